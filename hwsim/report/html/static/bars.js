// Bars of the points on the front and of the chosen one: baselines, energy by component, cycles by state.

const MOST_BARS = 10;
// What the text tables and figures of single runs use for the states of an engine.
const STATES = { busy: "#0072b2", starved: "#e69f00", blocked: "#d55e00", idle: "#8a8a8a", "memory only": "#56b4e9" };

/** Up to so many points of the visible front, evenly along it, and the chosen point where it is none of them. */
function compared() {
  const key = data.objectives[0]?.name,
    values = numeric.get(key)?.values || [];
  const front = state.visible.filter((row) => data.front[row]).sort((a, b) => values[a] - values[b]);
  const step = Math.max(1, (front.length - 1) / (MOST_BARS - 1)),
    rows = [];
  for (let k = 0; k < Math.min(front.length, MOST_BARS); k++) rows.push(front[Math.round(k * step)]);
  if (state.chosen >= 0 && !rows.includes(state.chosen)) rows.push(state.chosen);
  return rows;
}

const BARS = { height: 216, left: 52, top: 10, bottom: 26 };

/** A bar chart: ``series`` of {label, colour, values by place}; stacked, or side by side; a line at ``mark``.
 * Ratios that are far apart are drawn on a logarithmic scale, where bars begin at the mark. */
function barChart(box, rows, series, { stacked = false, unit = "", mark = null } = {}) {
  const known = series.filter((each) => each.values.some((value) => value));
  if (!rows.length || !known.length) {
    box.replaceChildren(el("p", { class: "hint" }, "No values for these points."));
    return;
  }
  const width = Math.max(280, box.clientWidth);
  const tops = rows.map((_, k) => known.map((each) => each.values[k] || 0));
  const most = tops.map((values) => (stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values)));
  const high = Math.max(...most, mark || 0) * 1.06;
  const least = Math.min(mark, ...tops.flat().filter((value) => value > 0)) / 1.06,
    log = mark !== null && high > 15 * least;
  const place = (value) => (log ? Math.log(value / least) / Math.log(high / least) : value / high);
  const y = (value) => BARS.top + (BARS.height - BARS.top - BARS.bottom) * (1 - place(value));
  const root = picture(width, BARS.height, summaryOf(rows, known, unit));
  for (const value of log ? logTicks(least, high) : ticks(0, high, 4)) {
    root.append(line(BARS.left, y(value), width, y(value), "grid"));
    root.append(caption(BARS.left - 6, y(value) + 4, "end", withUnit(value, unit)));
  }
  const step = (width - BARS.left - 6) / rows.length;
  rows.forEach((row, k) => {
    const middle = BARS.left + (k + 0.5) * step;
    root.append(...barsAt(known, k, middle, Math.min(0.76 * step, 90), y, { stacked, unit, from: log ? mark : 0 }));
    const kind = { class: row === state.chosen ? "strong" : "" };
    root.append(caption(middle, BARS.height - BARS.bottom + 15, "middle", nameOf(k, row), kind));
  });
  if (mark !== null) root.append(line(BARS.left, y(mark), width, y(mark), "one"));
  box.replaceChildren(root, keyOf(known));
}

/** Bars of one point, so many pixels wide together. */
function barsAt(series, place, middle, wide, y, { stacked, unit, from }) {
  const own = wide / (stacked ? 1 : series.length);
  let base = 0;
  return series.flatMap((each, number) => {
    const value = each.values[place];
    if (value === null || (from && value <= 0)) return [];
    const ends = stacked ? [y(base), y(base + value)] : [y(from), y(value)],
      x = middle - wide / 2 + (stacked ? 0 : number * own);
    base += value;
    const [top, bottom] = [Math.min(...ends), Math.max(...ends)];
    return block(x, top, Math.max(1, own - 1), bottom - top, each.colour, `${each.label}: ${withUnit(value, unit)}`);
  });
}

const nameOf = (place, row) => (row === state.chosen ? "●" : String.fromCharCode(65 + place));

function summaryOf(rows, series, unit) {
  const said = (value) => withUnit(value, unit);
  const parts = rows.map(
    (row, k) =>
      `${row === state.chosen ? "chosen" : nameOf(k, row)}: ` +
      series.map((each) => `${each.label} ${said(each.values[k])}`).join(", "),
  );
  return parts.join("; ");
}

function keyOf(series) {
  return el(
    "ul",
    { class: "key" },
    ...series.map((each) =>
      el("li", {}, el("span", { class: "swatch", style: `background:${each.colour}` }), words(each.label)),
    ),
  );
}

/** A baseline by its name in the columns, or what it is. */
const baselineOf = (name) => data.baselines[name] ?? words(name);

/** Baseline metrics ``<prefix>_<name>`` as series. */
function against(prefix, rows) {
  return data.metrics
    .filter((each) => each.key.startsWith(`${prefix}_`))
    .map((each, number) => ({
      label: `over ${baselineOf(each.key.slice(prefix.length + 1))}`,
      colour: OKABE_ITO[number % OKABE_ITO.length],
      values: rows.map((row) => each.values[row]),
    }));
}

function parts(columns, rows, share) {
  const sums = rows.map((row) => columns.reduce((sum, each) => sum + each.values[row], 0) || 1);
  return columns.map((each, number) => ({
    label: each.key,
    colour: STATES[each.key] || OKABE_ITO[number % OKABE_ITO.length],
    values: rows.map((row, k) => each.values[row] / (share ? sums[k] / 100 : 1)),
  }));
}

function drawBars() {
  const rows = compared();
  barChart(byId("speedup"), rows, against("speedup", rows), { mark: 1 });
  barChart(byId("gain"), rows, against("energy_gain", rows), { mark: 1 });
  barChart(byId("energy"), rows, parts(data.energy, rows, false), { stacked: true, unit: "J" });
  barChart(byId("stalls"), rows, parts(data.stalls, rows, true), { stacked: true });
  const hint = byId("comparehint"),
    differing = differingAmong(rows),
    part = (each, row) => `${shortName(each)} ${plain(each.levels[codeOf(each, row)])}`;
  const named = (row) => {
    const own = namedBy(row).filter((each) => differing.has(each.key));
    return own.map((each) => part(each, row)).join(", ") || data.points[row];
  };
  const shared = rows.length ? namedBy(rows[0]).filter((each) => !differing.has(each.key)) : [];
  const names = rows.map((row, k) =>
    el(
      "button",
      {
        type: "button",
        class: "link",
        onclick: () => {
          choose(row);
          say(`Chosen: ${spoken(row)}`);
        },
      },
      `${nameOf(k, row)} ${named(row)}`,
    ),
  );
  const all = shared.length ? `All have ${shared.map((each) => part(each, rows[0])).join(", ")}. ` : "";
  hint.replaceChildren(`● is the chosen point. ${all}`, ...names.flatMap((each) => [each, " "]));
}

/** Keys of the inputs that are not the same in all of these points. */
function differingAmong(rows) {
  const own = rows.flatMap((row) => namedBy(row));
  return new Set(
    own.filter((each) => new Set(rows.map((row) => codeOf(each, row))).size > 1).map((each) => each.key),
  );
}
