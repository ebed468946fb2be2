// The table of the points within the filters, and the chosen point's own values.

const MOST_COLUMNS = 8;

/** Keys of the table: objectives, what is on the axes, a few of the varied inputs. */
function tableKeys() {
  const keys = [...data.objectives.map((each) => each.name), state.x, state.y].filter((key) => numeric.has(key));
  return [...new Set(keys)];
}

function tableInputs() {
  const differing = varied().filter(
    (each) => data.axes.includes(each.key) || textual.has(each.key) || numeric.has(each.key),
  );
  const differ = differing.filter((each) => {
    const first = new Set();
    for (const row of state.visible) first.add(codeOf(each, row));
    return first.size > 1;
  });
  return differ.slice(0, MOST_COLUMNS);
}

function sortValue(key, row) {
  if (numeric.has(key)) return numeric.get(key).values[row];
  const input = data.inputs.find((each) => each.key === key);
  return input ? codeOf(input, row) : data.points[row];
}

function sorted(rows) {
  const sort = state.sort || { key: data.objectives[0]?.name, down: data.objectives[0]?.direction === "max" };
  const turned = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [p, q] = [sortValue(sort.key, a), sortValue(sort.key, b)];
    if (p === q) return a - b;
    if (p === null || p === undefined) return 1;
    if (q === null || q === undefined) return -1;
    return p < q ? -turned : turned;
  });
}

function drawTable() {
  const metrics = tableKeys(),
    inputs = tableInputs(),
    rows = sorted(state.visible);
  const head = [
    heading("point", "point"),
    ...metrics.map((key) => heading(key, axisLabel(key))),
    ...inputs.map((each) => heading(each.key, shortName(each), each.key)),
  ];
  const body = rows.slice(0, state.shown).map((row) => tableRow(row, metrics, inputs));
  byId("table").replaceChildren(el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
  const more = rows.length - body.length;
  byId("tablehint").textContent =
    `${rows.length.toLocaleString("en")} of ${data.count.toLocaleString("en")} points` +
    (more ? `, the first ${body.length} shown` : "");
  byId("more").hidden = more <= 0;
}

function tableRow(row, metrics, inputs) {
  const own = row === state.chosen;
  const pick = () => {
    choose(row);
    say(`Chosen: ${spoken(row)}`);
  };
  const look = { type: "button", class: "link mono", "aria-pressed": String(own), onclick: pick };
  const name = [el("button", look, data.points[row].slice(0, 10))];
  if (data.front[row]) name.push(el("span", { class: "mark", title: "on the front" }, " front"));
  if (proofOf(row)) name.push(el("span", { class: "mark", title: PROOFS[proofOf(row)] }, ` ${proofOf(row)}`));
  const values = metrics.map((key) => shownValue(key, row));
  values.push(...inputs.map((each) => (codeOf(each, row) < 0 ? "–" : plain(each.levels[codeOf(each, row)]))));
  const cells = values.map((value) => el("td", {}, value));
  return el("tr", { class: own ? "chosenrow" : "" }, el("th", { scope: "row" }, ...name), ...cells);
}

function heading(key, label, title = null) {
  const own = state.sort?.key === key;
  const turn = () => {
    state.sort = { key, down: own ? !state.sort.down : false };
    drawTable();
    byId("table")
      .querySelector(`button[data-key="${CSS.escape(key)}"]`)
      .focus();
    say(`Sorted by ${label}, ${state.sort.down ? "largest" : "smallest"} first`);
  };
  return el(
    "th",
    { scope: "col", "aria-sort": own ? (state.sort.down ? "descending" : "ascending") : "none", title },
    el(
      "button",
      { type: "button", "data-key": key, onclick: turn },
      label,
      el("span", { "aria-hidden": "true" }, own ? (state.sort.down ? " ↓" : " ↑") : ""),
    ),
  );
}

/** The chosen point: metrics, what differs, and its whole configuration. */
function drawChosen() {
  const row = state.chosen;
  if (row < 0) return;
  const marks = marksOf(row);
  byId("chosenname").textContent = `${data.points[row]}${marks.length ? ` (${marks.join(", ")})` : ""}`;
  byId("chosenproof").textContent = data.proofs.notes[row] || "";
  byId("chosenproof").hidden = !proofOf(row);
  const values = [["workload", data.groups.levels[data.groups.codes[row]]]];
  for (const each of varied())
    if (codeOf(each, row) >= 0 && data.axes.includes(each.key))
      values.push([each.key, plain(each.levels[codeOf(each, row)])]);
  for (const each of data.metrics)
    if (each.values[row] !== null) values.push([each.label, withUnit(each.values[row], each.unit)]);
  byId("chosenvalues").replaceChildren(
    ...values.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
  byId("toml").textContent = tomlOf(row);
  byId("copied").textContent = "";
}

async function copyToml() {
  const text = tomlOf(state.chosen);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that is opened as a file may have no clipboard.
    const area = el("textarea", { class: "hidden", "aria-hidden": "true" }, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    byId("copy").focus();
  }
  byId("copied").textContent = "copied";
  say("Configuration copied as TOML");
}
