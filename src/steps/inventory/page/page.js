"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const make = (name, about, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(about || {})) {
      if (value === undefined || value === null || value === "") continue;
      if (key === "class") element.className = value;
      else element.setAttribute(key, value);
    }
    for (const one of inside.flat(Infinity)) if (one !== null && one !== undefined) element.append(one);
    return element;
  };
  const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const targets = data.targets || [], deployments = data.deployments || [];
  const made = Date.parse(data["generated-at"]);

  // Links lead to GitHub alone, by names of which nothing else can be made.
  const base = /^https:\/\/[\w.:-]+\/[\w./-]+$/.test(data["repository-url"] || "") ? data["repository-url"] : "";
  const isCommit = (commit) => /^[0-9a-f]{40}$/.test(commit || "");
  const link = (path, text, title) =>
    base ? make("a", { href: `${base}/${path}`, rel: "noreferrer", title }, text) : make("span", { title }, text);
  const commit = (name) =>
    isCommit(name) ? link(`commit/${name}`, make("span", { class: "mono" }, name.slice(0, 7)), name) : make("span", { class: "none" }, "unknown");
  const run = (id) => (Number.isSafeInteger(id) ? link(`actions/runs/${id}`, `run ${id}`) : null);

  const date = (text) => {
    const time = Date.parse(text);
    return Number.isNaN(time) ? "" : new Date(time).toISOString().slice(0, 16).replace("T", " ");
  };
  const ago = (text) => {
    const minutes = Math.round((made - Date.parse(text)) / 60000);
    if (Number.isNaN(minutes)) return "";
    if (minutes < 1) return "just now";
    if (minutes < 60) return `${number(minutes, "minute")} ago`;
    if (minutes < 48 * 60) return `${number(Math.round(minutes / 60), "hour")} ago`;
    return `${number(Math.round(minutes / 1440), "day")} ago`;
  };
  const time = (text) =>
    text ? [make("time", { datetime: text, title: `${date(text)} UTC` }, ago(text)), make("span", { class: "sub" }, `${date(text)} UTC`)] : null;

  const states = {
    "as-recorded": ["good", "as recorded"], deploying: ["warn", "deploying"], "not-recorded": ["quiet", "not recorded"],
    drift: ["bad", "drift"], missing: ["bad", "missing"], unknown: ["warn", "unknown"],
    elsewhere: ["quiet", "elsewhere"],
  };
  const levels = { bad: "bad", unproved: "warn", note: "quiet" };
  const state = (row) => {
    if (row.endangered && !["drift", "missing"].includes(row.state)) return ["bad", "in danger"];
    return states[row.state] || ["warn", row.state];
  };
  const worst = (row) => {
    const found = (row.findings || []).map((finding) => finding.level);
    return found.includes("bad") ? "bad" : found.includes("unproved") || row.state === "unknown" ? "warn" : "good";
  };

  // The first screen: is anything wrong?
  const bad = targets.filter((row) => worst(row) === "bad"), unsure = targets.filter((row) => worst(row) === "warn");
  const environments = [...new Set(targets.map((row) => row.environment))];
  const all = targets.length === 1 ? "The one target" : `All ${targets.length} targets`;
  const recorded = targets.filter((row) => row.state === "as-recorded").length;
  at("verdict").textContent = bad.length
    ? `${bad.length} of ${number(targets.length, "target")} ${bad.length === 1 ? "needs" : "need"} attention`
    : unsure.length ? `Nothing is wrong, as far as is known: ${number(unsure.length, "target")} to look at`
    : recorded < targets.length ? `Nothing is wrong, as far as is known: ${recorded} of ${number(targets.length, "target")} as recorded` : `${all} ${targets.length === 1 ? "is" : "are"} as recorded, and kept`;
  at("lede").textContent = `What serves in ${environments.join(", ") || "no environment"}, compared with the record of deployments, ${date(data["generated-at"])} UTC.`;
  const counts = [
    [targets.filter((row) => row.state === "as-recorded").length, "as recorded"],
    [targets.filter((row) => row.state === "deploying").length, "deploying"],
    [targets.filter((row) => ["drift", "missing"].includes(row.state)).length, "drifted"],
    [targets.filter((row) => row.endangered).length, "in danger"],
    [targets.filter((row) => (row.held || []).length).length, "with a held commit"],
    [targets.filter((row) => row.state === "unknown").length, "unknown"],
    [targets.filter((row) => row.state === "not-recorded").length, "not recorded"],
    [targets.filter((row) => row.state === "elsewhere").length, "elsewhere"],
  ];
  at("counts").append(...counts.filter(([count]) => count).map(([count, what]) => make("li", {}, make("b", {}, String(count)), make("span", {}, what))));
  for (const row of [...bad, ...unsure].slice(0, 8)) {
    const level = worst(row) === "bad" ? "bad" : "unproved";
    const said = row.findings.filter((finding) => finding.level === level).map((finding) => finding.text).join("; ");
    at("problems").append(make("li", {}, make("i", { class: `dot ${worst(row)}`, "aria-hidden": "true" }), make("b", {}, `${row.environment} ${row.component}`), make("span", {}, said || state(row)[1])));
  }

  // A table that sorts and filters. Roles are written out: where a row is shown as a card, some browsers forget them.
  const table = (id, rows, columns, first) => {
    const [element, find, of, count] = [at(`table-${id}`), at(`find-${id}`), at(`of-${id}`), at(`count-${id}`)];
    const [head, body] = [element.tHead, element.tBodies[0]];
    for (const [part, role] of [[element, "table"], [head, "rowgroup"], [body, "rowgroup"]]) part.setAttribute("role", role);
    const lines = rows.map((row) => {
      const cells = columns.map((column) => make("td", { role: "cell", class: column.class, "data-label": column.title }, column.show(row)));
      return { row, element: make("tr", { role: "row" }, cells), text: JSON.stringify(row).toLowerCase() };
    });
    for (const name of [...new Set(rows.map((row) => row.environment))].sort()) of.append(make("option", { value: name }, name));
    const sort = (place, down) => {
      const key = columns[place].key, sign = down ? -1 : 1;
      const compare = (one, other) => {
        const [a, b] = [key(one.row), key(other.row)];
        return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
      };
      lines.sort(compare);
      headers.forEach((header, index) => header.setAttribute("aria-sort", index === place ? (down ? "descending" : "ascending") : "none"));
      body.append(...lines.map((line) => line.element));
    };
    const headers = columns.map((column, place) => {
      const button = make("button", { type: "button" }, column.title);
      const header = make("th", { scope: "col", role: "columnheader", "aria-sort": "none" }, button);
      button.addEventListener("click", () => sort(place, header.getAttribute("aria-sort") === "ascending"));
      return header;
    });
    head.append(make("tr", { role: "row" }, headers));
    const filter = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const line of lines) {
        const fits = (!of.value || line.row.environment === of.value) && words.every((word) => line.text.includes(word));
        line.element.hidden = !fits;
        line.element.style.display = fits ? "" : "none";
        shown += fits ? 1 : 0;
      }
      count.textContent = shown === lines.length ? number(shown, "row") : `${shown} of ${number(lines.length, "row")}`;
    };
    find.addEventListener("input", filter);
    of.addEventListener("change", filter);
    if (first) sort(first[0], first[1]);
    else body.append(...lines.map((line) => line.element));
    filter();
  };

  const regions = new Set(targets.map((row) => row.region));
  const short = (code) => code.replace(/(sha256:)?([0-9a-f]{12})[0-9a-f]{52}/, "$2");
  const serves = (row) => {
    if (!row.serves.length) return [make("span", { class: "none" }, "nothing known")];
    const bar = make("span", { class: "share", "aria-hidden": "true" });
    for (const one of row.serves) {
      const part = make("i", {});
      part.style.flexGrow = one.share;
      bar.append(part);
    }
    const shown = row.serves.map((one) => {
      const share = row.serves.length > 1 ? make("b", {}, ` ${one.share}%`) : null;
      const code = one.code.map((code) => make("span", { class: "sub mono", title: code }, short(code)));
      return make("div", {}, one.name, share, code);
    });
    return row.serves.length > 1 ? [bar, ...shown] : shown;
  };
  const kept = (row) =>
    row.protected === true ? make("span", {}, "yes") : row.protected === false ? make("span", { class: "state bad" }, "no") : make("span", { class: "none" }, "\u2013");
  const rank = (row) => ({ bad: 0, warn: 1, quiet: 2, good: 3 })[state(row)[0]];
  const said = (row) => {
    const items = [
      ...(row.held || []).map((text) => make("li", { class: "warn" }, make("span", {}, text))),
      ...row.findings.map((finding) => make("li", { class: levels[finding.level] }, make("span", {}, finding.text))),
    ];
    return items.length ? make("ul", { class: "said" }, items) : null;
  };
  table("targets", targets, [
    { title: "Environment", class: "desk", key: (row) => row.environment, show: (row) => make("span", {}, row.environment) },
    { title: "Component", class: "wide lead", key: (row) => row.component, show: (row) => [make("span", { class: "main" }, make("span", { class: "phone" }, `${row.environment} `), row.component), make("span", { class: "sub" }, row.target, regions.size > 1 ? ` in ${row.region}` : "")] },
    { title: "Serves", key: (row) => row.serves.map((one) => one.name).join(), show: serves },
    { title: "Commit", key: (row) => row.release || (row.serves[0] || {}).commit || "", show: (row) => [
      ...row.serves.map((one) => make("div", {}, commit(one.commit))),
      row.release ? make("span", { class: "sub" }, row.release) : null,
    ] },
    { title: "Behind", key: (row) => row.behind ?? -1, show: (row) => {
      if (row.behind === undefined) return make("span", { class: "none" }, "\u2013");
      const from = (row.serves[0] || {}).commit;
      if (!row.behind || !isCommit(from) || !isCommit(data.head)) return make("span", {}, String(row.behind));
      return link(`compare/${from}...${data.head}`, String(row.behind), "what is on the default branch and not here");
    } },
    { title: "Since", key: (row) => row.since || "", show: (row) => [time(row.since), row.run || row.actor ? make("span", { class: "sub" }, row.actor || "", row.actor && row.run ? ", " : "", run(row.run)) : null] },
    { title: "Kept", key: (row) => String(row.protected), show: kept },
    { title: "State", class: "wide", key: rank, show: (row) => [make("span", { class: `state ${state(row)[0]}` }, state(row)[1]), said(row)] },
  ]);

  // Figures, with a line for their weeks.
  const line = (weeks, title) => {
    const known = weeks.map((value, place) => [place, value]).filter(([, value]) => value !== null);
    if (known.length < 2) return null;
    const top = Math.max(...known.map(([, value]) => value), 0.001), wide = 100 / Math.max(weeks.length - 1, 1);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 100 28");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${title}, week by week`);
    path.setAttribute("d", known.map(([place, value], index) => `${index ? "L" : "M"}${(place * wide).toFixed(1)} ${(26 - (value / top) * 24).toFixed(1)}`).join(""));
    svg.append(path);
    return svg;
  };
  const span = (seconds) => {
    if (seconds >= 172800) return `${(seconds / 86400).toFixed(1)} days`;
    if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h ${Math.round((seconds % 3600) / 60)}m`;
    return seconds >= 60 ? `${Math.floor(seconds / 60)}m ${Math.round(seconds % 60)}s` : `${Math.round(seconds)}s`;
  };
  const shown = (figure) => {
    if (figure.value === null) return "n/a";
    if (figure.unit === "rate") return `${Math.round(figure.value * 1000) / 10}%`;
    if (figure.unit === "seconds") return span(figure.value);
    return String(Math.round(figure.value * 10) / 10);
  };
  if (data.metrics) {
    at("since").textContent = `${number(data.metrics.deployments, "deployment")} since ${date(data.metrics.since).slice(0, 10)}, by the records of all environments on this page.`;
    for (const figure of data.metrics.figures) {
      at("list-figures").append(make("div", {},
        make("dt", {}, figure.title),
        make("dd", { class: figure.value === null ? "value none" : "value" }, shown(figure), make("small", {}, `${figure.unit === "per-week" && figure.value !== null ? "a week, " : ""}n = ${figure.n}`)),
        make("dd", {}, line(figure.weeks || [], figure.title)),
        make("dd", { class: "what" }, figure.definition + (figure.note ? ` (${figure.note})` : "")),
      ));
    }
  } else at("section-figures").remove();

  const outcomes = { succeeded: "good", failed: "bad", error: "bad", "in progress": "warn", abandoned: "quiet" };
  if (deployments.length) {
    table("deployments", deployments, [
      { title: "When", key: (row) => row.id, show: (row) => time(row.at) },
      { title: "Environment", class: "desk", key: (row) => row.environment, show: (row) => make("span", {}, row.environment) },
      { title: "What", class: "wide lead", key: (row) => row.component, show: (row) => [
        make("span", { class: "main" }, make("span", { class: "phone" }, `${row.environment} `), `${row.component}${row.release ? ` ${row.release}` : ""}`),
        make("span", { class: "sub" }, (row.kind === "rollback" ? "rollback: " : "") + row.to.join(", ")),
      ] },
      { title: "Commit", key: (row) => row.commit, show: (row) => [
        commit(row.commit),
        isCommit(row.before) && isCommit(row.commit) ? make("span", { class: "sub" }, link(`compare/${row.before}...${row.commit}`, "what changed")) : null,
      ] },
      { title: "Ended", key: (row) => row.outcome || "", show: (row) => [
        make("span", { class: `state ${outcomes[row.outcome] || "quiet"}` }, row.outcome || "not read"),
        row.why ? make("span", { class: "sub" }, row.why) : null,
      ] },
      { title: "By", key: (row) => row.actor || "", show: (row) => [make("span", {}, row.actor || ""), make("span", { class: "sub" }, run(row.run) || "")] },
    ]);
  } else at("section-deployments").remove();

  at("made").append(`Made by inventory of deploy-action, ${date(data["generated-at"])} UTC. `, run(data.run) || "");

  // Light, dark, or as the system has it.
  const root = document.documentElement, themes = ["system", "light", "dark"];
  const set = (theme) => {
    if (theme === "system") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    at("theme").textContent = `Theme: ${theme}`;
    at("theme").value = theme;
  };
  let theme = "system";
  try { theme = themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : theme; } catch { /* a file may have no storage */ }
  set(theme);
  at("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    set(theme);
    try { localStorage.setItem("theme", theme); } catch { /* it holds for this visit */ }
  });
})();
