const form = document.getElementById("filter");
const items = [...document.querySelectorAll("[data-divided]")];
const cards = items.filter((item) => item.matches("section"));
for (const engine of new Set(items.map((item) => item.dataset.alone).filter(Boolean))) {
  form.elements.alone.add(new Option(engine, engine));
}
const apply = () => {
  const { show, alone } = Object.fromEntries(new FormData(form));
  for (const item of items) {
    item.hidden = (show === "divided" && item.dataset.divided !== "true") || (alone && item.dataset.alone !== alone);
  }
  form.querySelector("output").value = `${cards.filter((card) => !card.hidden).length} pages shown`;
};
form.addEventListener("change", apply);
form.hidden = false;
apply();
