// The data, decoded; what is chosen, filtered and shown; who is told when that changes.

const data = JSON.parse(byId("data").textContent);
const state = {
  group: -1,
  x: "",
  y: "",
  colour: "",
  logx: false,
  logy: false,
  onlyfront: false,
  onlyfeasible: false,
  filters: new Map(),
  hiddenLevels: new Map(),
  chosen: -1,
  current: -1,
  visible: [],
  seen: new Set(),
  sort: null,
  shown: 50,
};
const listeners = [];
const numeric = new Map(),
  textual = new Map();

const codeOf = (column, row) => (typeof column.codes === "number" ? column.codes : column.codes[row]);

/** Columns that points differ in: metrics and numeric inputs can be axes, what has few values can be colours. */
function prepareColumns() {
  for (const metric of data.metrics) {
    numeric.set(metric.key, { label: metric.label, unit: metric.unit, values: metric.values, metric: true });
  }
  for (const input of data.inputs) {
    if (typeof input.codes === "number") continue;
    const levels = input.levels.map((text) => Number(single(text)));
    if (levels.every((value) => !Number.isNaN(value))) {
      const values = input.codes.map((code) => (code < 0 ? null : levels[code]));
      numeric.set(input.key, { label: input.key, unit: "", values, metric: false });
    }
    if (input.levels.length <= OKABE_ITO.length) {
      textual.set(input.key, { label: input.key, levels: input.levels.map(plain), codes: input.codes });
    }
  }
  if (data.groups.levels.length > 1 && data.groups.levels.length <= OKABE_ITO.length) {
    textual.set("workload", { label: "workload", levels: data.groups.levels, codes: data.groups.codes });
  }
}

/** A list of one value as that value. */
const single = (text) => text.match(/^\[([^,[\]]+)\]$/)?.[1] ?? text;

/** A TOML value as people read it: text without its quotes, large numbers short. */
function plain(text) {
  const value = single(text);
  if (value.startsWith('"')) return JSON.parse(value);
  return value !== "" && Math.abs(Number(value)) >= 1e5 ? si(Number(value)) : value.replace(/\.0$/, "");
}

/** Keys in which points differ, those of the sweep's axes first. */
function varied() {
  const keys = data.inputs.filter((each) => typeof each.codes !== "number");
  const rank = (each) => (data.axes.includes(each.key) ? 0 : 1);
  return keys.sort((a, b) => rank(a) - rank(b) || data.axes.indexOf(a.key) - data.axes.indexOf(b.key));
}

/** Label of a numeric column with its unit, for an axis. */
function axisLabel(key) {
  const column = numeric.get(key);
  const unit = symbol(column.unit);
  return unit ? `${column.label} (${unit})` : column.label;
}

/** Value of a column for people. */
const shownValue = (key, row) => withUnit(numeric.get(key).values[row], numeric.get(key).unit);

/** Inputs that name a point: those of the axes; of the workload only where several are shown. */
function namedBy(row) {
  const own = varied().filter((each) => codeOf(each, row) >= 0 && data.axes.includes(each.key));
  return own.filter((each) => state.group < 0 || !each.key.startsWith("workload."));
}

/** The last part of an input's key; of a name what it is the name of. */
function shortName(input) {
  const parts = [plain(input.name), ...input.table.split(".").reverse()];
  return parts[0] === "name" && parts[1] ? parts[1] : parts[0];
}

/** The same in words. */
function describe(row) {
  const part = (each) => `${shortName(each)} ${plain(each.levels[codeOf(each, row)])}`;
  return namedBy(row).map(part).join(", ");
}

/** The rows within all filters. */
function filtered() {
  const rows = [];
  for (let row = 0; row < data.count; row++) {
    if (state.group >= 0 && data.groups.codes[row] !== state.group) continue;
    if (state.onlyfront && !data.front[row]) continue;
    if (state.onlyfeasible && !data.feasible[row]) continue;
    if (within(row)) rows.push(row);
  }
  return rows;
}

function within(row) {
  for (const [key, [low, high]] of state.filters) {
    const value = numeric.get(key).values[row];
    if (value === null || value < low || value > high) return false;
  }
  for (const [key, hidden] of state.hiddenLevels) {
    if (hidden.has(textual.get(key).codes[row])) return false;
  }
  return true;
}

/** Rows that the plot shows before its filters: of the workload, with both values. */
function plotted() {
  const xs = numeric.get(state.x).values,
    ys = numeric.get(state.y).values,
    rows = [];
  for (let row = 0; row < data.count; row++) {
    if (state.group >= 0 && data.groups.codes[row] !== state.group) continue;
    if (xs[row] === null || ys[row] === null) continue;
    if ((state.logx && xs[row] <= 0) || (state.logy && ys[row] <= 0)) continue;
    rows.push(row);
  }
  return rows;
}

/** Says what changed: "view" (axes, filters), "chosen" (the point). */
function changed(what) {
  if (what === "view") {
    state.visible = filtered();
    state.seen = new Set(state.visible);
  }
  for (const listener of listeners) listener(what);
}

function choose(row) {
  state.chosen = row;
  state.current = row;
  changed("chosen");
}

/** How far a point is proven, and in words what marks it. */
const proofOf = (row) => data.proofs.states[data.proofs.codes[row]];
const PROOFS = {
  proven: "RTL proven",
  stale: "RTL proven, but by other code",
  disproven: "RTL disproven",
  outdated: "row outdated",
};
const marksOf = (row) =>
  [data.front[row] && "on the front", PROOFS[proofOf(row)], !data.feasible[row] && "not feasible"].filter(Boolean);

function say(text) {
  byId("live").textContent = text;
}

/** The point's configuration as TOML: tables in order, keys as the sweep has them. */
function tomlOf(row) {
  const lines = [];
  let table = "";
  for (const input of data.inputs) {
    const code = codeOf(input, row);
    if (code < 0) continue;
    if (input.table !== table) {
      table = input.table;
      lines.push("", `[${table}]`);
    }
    lines.push(`${input.name} = ${input.levels[code]}`);
  }
  return lines.join("\n").trim() + "\n";
}

/** Arrays by layer of one point, and the layers' names. */
const layerStart = [];
let layerArrays = null;
function layersOf(row) {
  if (layerArrays === null) {
    let place = 0;
    for (const code of data.layers.codes) {
      layerStart.push(place);
      place += data.layers.sets[code].length;
    }
    layerArrays = Object.fromEntries(
      Object.entries(data.layers.arrays).map(([key, text]) => {
        const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        return [key, new Float32Array(bytes.buffer)];
      }),
    );
  }
  const names = data.layers.sets[data.layers.codes[row]],
    first = layerStart[row];
  const part = Object.entries(layerArrays).map(([key, all]) => [key, all.subarray(first, first + names.length)]);
  return { names, ...Object.fromEntries(part) };
}
