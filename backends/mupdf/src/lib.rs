//! MuPDF behind the contract.
