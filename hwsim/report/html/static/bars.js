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

/** A bar chart: ``series`` of {label, colour, values by place}; stacked, or side by side. */
function barChart(box, rows, series, { stacked = false, unit = "", line = null } = {}) {
  const known = series.filter((each) => each.values.some((value) => value));
  if (!rows.length || !known.length) {
    box.replaceChildren(el("p", { class: "hint" }, "No values for these points."));
    return;
  }
  const width = Math.max(280, box.clientWidth),
    height = 216,
    left = 52,
    top = 10,
    bottom = 26,
    step = (width - left - 6) / rows.length;
  const sums = rows.map((_, k) =>
    stacked
      ? known.reduce((sum, each) => sum + (each.values[k] || 0), 0)
      : Math.max(...known.map((each) => each.values[k] || 0)),
  );
  const high = Math.max(...sums, line || 0) * 1.06,
    y = (value) => top + (height - top - bottom) * (1 - value / high);
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": summaryOf(rows, known, unit),
  });
  for (const value of ticks(0, high, 4)) {
    root.append(
      svg("line", { class: "grid", x1: left, x2: width, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, withUnit(value, unit)),
    );
  }
  rows.forEach((row, k) => {
    let base = 0;
    known.forEach((each, number) => {
      const value = each.values[k] || 0,
        all = Math.min(0.76 * step, 90),
        wide = all / (stacked ? 1 : known.length);
      const x = left + (k + 0.5) * step - all / 2 + (stacked ? 0 : number * wide);
      root.append(
        svg(
          "rect",
          {
            x,
            width: Math.max(1, wide - 1),
            y: y(base + value),
            height: Math.max(0, y(base) - y(base + value)),
            fill: each.colour,
          },
          svg("title", {}, `${each.label}: ${withUnit(value, unit)}`),
        ),
      );
      if (stacked) base += value;
    });
    const x = left + (k + 0.5) * step;
    root.append(
      svg(
        "text",
        { x, y: height - bottom + 15, "text-anchor": "middle", class: row === state.chosen ? "strong" : "" },
        nameOf(k, row),
      ),
    );
  });
  if (line !== null) root.append(svg("line", { class: "one", x1: left, x2: width, y1: y(line), y2: y(line) }));
  box.replaceChildren(root, keyOf(known));
}

const nameOf = (place, row) => (row === state.chosen ? "●" : String.fromCharCode(65 + place));

function summaryOf(rows, series, unit) {
  const said = (value) => withUnit(value, unit);
  const parts = rows.map(
    (row, k) =>
      `${row === state.chosen ? "chosen" : nameOf(k, row)}: ` +
      series.map((each) => `${each.label} ${said(each.values[k] || 0)}`).join(", "),
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

/** Baseline metrics ``<prefix>_<name>`` as series. */
function against(prefix, rows) {
  return data.metrics
    .filter((each) => each.key.startsWith(`${prefix}_`))
    .map((each, number) => ({
      label: `over ${words(each.key.slice(prefix.length + 1))}`,
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
  barChart(byId("speedup"), rows, against("speedup", rows), { line: 1 });
  barChart(byId("gain"), rows, against("energy_gain", rows), { line: 1 });
  barChart(byId("energy"), rows, parts(data.energy, rows, false), { stacked: true, unit: "J" });
  barChart(byId("stalls"), rows, parts(data.stalls, rows, true), { stacked: true });
  const hint = byId("comparehint");
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
      row === state.chosen
        ? `● ${describe(row) || data.points[row]}`
        : `${nameOf(k, row)} ${describe(row) || data.points[row]}`,
    ),
  );
  hint.replaceChildren("● is the chosen point. ", ...names.flatMap((each) => [each, " "]));
}
