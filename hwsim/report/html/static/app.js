// Ties the parts together: controls, filters, theme, first view.

function fill(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, label]) => el("option", { value, selected: value === chosen }, label)),
  );
}

function fillControls() {
  const metrics = [],
    inputs = [];
  for (const [key, column] of numeric) (column.metric ? metrics : inputs).push([key, axisLabel(key)]);
  const both = [...metrics, ...inputs],
    texts = [...textual].map(([key, column]) => [key, column.label]);
  fill(byId("x"), both, state.x);
  fill(byId("y"), both, state.y);
  fill(byId("colour"), [["", "none"], ...texts.filter(([key]) => !numeric.has(key)), ...both], state.colour);
  fill(byId("rangekey"), both, state.x);
  const groups = data.groups.levels.map((label, number) => [String(number), label]);
  fill(byId("group"), groups.length > 1 ? [["-1", "all"], ...groups] : groups, String(state.group));
  for (const name of ["logx", "logy", "onlyfront", "onlyfeasible"]) byId(name).checked = state[name];
}

/** First view: the two first objectives of the largest workload, coloured by the first of the sweep's axes; an
 * axis over more than a decade is logarithmic. */
function firstView() {
  const known = data.objectives.map((each) => each.name).filter((name) => numeric.has(name));
  const keys = [...known, ...numeric.keys()];
  state.x = keys[0];
  state.y = keys.find((key) => key !== state.x) || state.x;
  const sizes = data.groups.levels.map(() => 0); // points, and as a tie-break layers
  data.groups.codes.forEach((code, row) => {
    sizes[code] += 1 + data.layers.sets[data.layers.codes[row]].length / 1e6;
  });
  state.group = sizes.indexOf(Math.max(...sizes));
  const rows = data.points.map((_, row) => row).filter((row) => data.groups.codes[row] === state.group);
  const wide = (key) => {
    const known = rows.map((row) => numeric.get(key).values[row]).filter((value) => value !== null);
    return Math.min(...known) > 0 && Math.max(...known) > 10 * Math.min(...known);
  };
  [state.logx, state.logy] = [wide(state.x), wide(state.y)];
  const differing = data.axes.filter((key) => {
    const column = textual.get(key) || numeric.get(key);
    return column && new Set(rows.map((row) => (column.codes || column.values)[row])).size > 1;
  });
  state.colour = differing.find((key) => textual.has(key) && !numeric.has(key)) || differing[0] || "";
  state.visible = filtered();
  const front = state.visible
    .filter((row) => data.front[row])
    .sort((a, b) => numeric.get(state.x).values[a] - numeric.get(state.x).values[b]);
  state.chosen = front[Math.floor(front.length / 2)] ?? state.visible[0] ?? 0;
  state.current = state.chosen;
}

function drawCards() {
  const rows = state.visible,
    best = data.objectives
      .filter((each) => numeric.has(each.name))
      .map((each) => {
        const values = rows.map((row) => numeric.get(each.name).values[row]).filter((value) => value !== null);
        const value = values.length ? (each.direction === "max" ? Math.max(...values) : Math.min(...values)) : null;
        return [
          withUnit(value, numeric.get(each.name).unit),
          `${each.direction === "max" ? "most" : "least"} ${numeric.get(each.name).label}`,
        ];
      });
  const count = (marks) => rows.filter((row) => marks[row]).length;
  const cards = [
    [rows.length.toLocaleString("en"), "points shown"],
    [String(count(data.front)), "on the front"],
    ...best,
  ];
  for (const state of data.proofs.states.slice(1)) {
    const found = rows.filter((row) => proofOf(row) === state).length;
    if (found) cards.push([String(found), PROOFS[state]]);
  }
  byId("cards").replaceChildren(
    ...cards.map(([value, label]) => el("li", {}, el("b", {}, value), el("span", {}, label))),
  );
}

const shortRevision = (text) => text.slice(0, 12) + (text.includes("+") ? " with changes" : "");

/** A JSON table of text as people read it. */
function listed(text) {
  if (!text.startsWith("{")) return text;
  const pairs = Object.entries(JSON.parse(text)).map((each) => each.join(" "));
  return pairs.join(", ");
}

const objective = (each) => `${numeric.get(each.name)?.label ?? each.name} (${each.direction})`;

function drawProvenance() {
  const about = data.provenance,
    pairs = [
      ["Revision", about.revisions.map(shortRevision).join(", ")],
      ["Proofs by", data.proofs.revisions.map(shortRevision).join(", ") || "none"],
      ["Versions", about.versions.map(listed).join("; ")],
      ["Objectives", data.objectives.map(objective).join(", ")],
      ["Axes", data.axes.join(", ")],
      ["Points", `${data.count} evaluated, ${data.failed.count} failed`],
    ];
  byId("provenance").replaceChildren(...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  byId("sweeptext").textContent = about.sweep;
  byId("provenancejson").textContent = JSON.stringify(about.provenance, null, 1);
  byId("failures").hidden = data.failed.count === 0;
  byId("failed").replaceChildren(
    ...data.failed.first.map((each) => el("li", {}, el("span", { class: "mono" }, each.point), ` ${each.error}`)),
  );
  const workloads = data.groups.levels,
    failed = data.failed.count ? `, ${data.failed.count} failed` : "";
  const named = workloads.length === 1 ? workloads[0] : `${workloads.length} workloads`;
  byId("summary").textContent = `${data.count.toLocaleString("en")} points, ${named}${failed}`;
}

function redraw(what) {
  if (what === "view") {
    drawPlot();
    drawChips();
    drawCards();
  } else placeCursor();
  drawChosen();
  drawBars();
  drawLayers();
  drawTable();
}

function watchControls() {
  const watch = (id, kind, react) => byId(id).addEventListener(kind, react);
  const set = (name, read) =>
    watch(name, "change", (event) => {
      state[name] = read(event.target);
      changed("view");
    });
  for (const name of ["x", "y", "colour"]) set(name, (target) => target.value);
  for (const name of ["logx", "logy", "onlyfront", "onlyfeasible"]) set(name, (target) => target.checked);
  watch("group", "change", changeGroup);
  watch("controls", "submit", (event) => event.preventDefault());
  watch("range", "submit", addRange);
  watch("copy", "click", copyToml);
  watch("more", "click", () => {
    state.shown += 200;
    drawTable();
  });
  watch("theme", "click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
  let late = 0;
  window.addEventListener("resize", () => {
    clearTimeout(late);
    late = setTimeout(() => redraw("view"), 120);
  });
}

/** Another workload: filters of the last one would leave nothing. */
function changeGroup(event) {
  state.group = Number(event.target.value);
  state.filters.clear();
  changed("view");
  if (!state.seen.has(state.chosen) && state.visible.length)
    choose(state.visible.find((row) => data.front[row]) ?? state.visible[0]);
  say(`${state.visible.length} points of ${event.target.selectedOptions[0].textContent}`);
}

function addRange(event) {
  event.preventDefault();
  const read = (id, other) => (byId(id).value.trim() === "" ? other : Number(byId(id).value)),
    range = [read("low", -Infinity), read("high", Infinity)];
  if (range.some(Number.isNaN)) {
    say("Wanted numbers, such as 1e6");
    return;
  }
  state.filters.set(byId("rangekey").value, range);
  changed("view");
  say(`${state.visible.length} points shown`);
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
}

prepareColumns();
firstView();
fillControls();
setTheme(window.matchMedia("(prefers-color-scheme: dark)").matches);
listeners.push(redraw);
watchControls();
watchPointer();
drawProvenance();
changed("view");
