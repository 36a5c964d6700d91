const show = (id, text) => {
  const place = document.querySelector(`[data-testid=${id}]`);
  if (place) place.textContent = text;
};
show("release", "%RELEASE%");
// What belongs to the environment is no part of the build.
fetch("config.json")
  .then((answer) => answer.json())
  .then((config) => show("api", config.api));
