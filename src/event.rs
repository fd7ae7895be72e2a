//! What an invocation asks for: the JSON of its event, as a list of jobs.
