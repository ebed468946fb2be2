// The scatter plot: axes, points, the front.

const MARGIN = { left: 72, right: 14, top: 12, bottom: 44 };
const SHAPES = {
  point: (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  proven: (r) => `M0,${-1.5 * r}L${1.5 * r},0L0,${1.5 * r}L${-1.5 * r},0Z`,
  // A cross: along each side from its corner in to the notch in its middle, and out to the next corner.
  failed: (r) => {
    const [a, b] = [1.3 * r, 0.7 * r],
      side = [[-b, -a], [0, b - a], [b, -a], [a, -b]];
    const turns = [0, 1, 2, 3].flatMap((quarter) =>
      side.map(([x, y]) => [[x, y], [-y, x], [-x, -y], [y, -x]][quarter].join()),
    );
    return `M${turns.join("L")}Z`;
  },
};
const SHAPE_OF = { proven: "proven", stale: "proven", disproven: "failed", outdated: "failed" };
const plot = { rows: [], px: [], py: [], sx: null, sy: null, cursor: null, width: 0, height: 0 };

/** A function row -> colour, and what the legend shows. */
function colouring() {
  const text = textual.get(state.colour),
    number = numeric.get(state.colour);
  if (text) {
    return {
      of: (row) => (text.codes[row] < 0 ? "var(--faint)" : OKABE_ITO[text.codes[row] % OKABE_ITO.length]),
      text,
    };
  }
  if (!number) return { of: () => "var(--accent)" };
  const known = plot.rows.map((row) => number.values[row]).filter((value) => value !== null);
  const positive = known.length > 0 && known.every((value) => value > 0);
  const scale = scaleOf(known, 0, 1, positive && Math.max(...known) / Math.min(...known) > 30);
  const ends = [Math.min(...known), Math.max(...known)].map((value) => scale.at(value));
  const part = (value) => (ends[1] > ends[0] ? (scale.at(value) - ends[0]) / (ends[1] - ends[0]) : 0.5);
  const of = (row) => (number.values[row] === null ? "var(--faint)" : sequential(part(number.values[row])));
  return { of, number, low: Math.min(...known), high: Math.max(...known) };
}

function drawPlot() {
  const root = byId("plot"),
    box = root.getBoundingClientRect();
  plot.width = Math.max(260, box.width);
  plot.height = Math.max(260, box.height);
  root.setAttribute("viewBox", `0 0 ${plot.width} ${plot.height}`);
  plot.rows = plotted();
  const xs = numeric.get(state.x).values,
    ys = numeric.get(state.y).values;
  plot.sx = scaleOf(
    plot.rows.map((row) => xs[row]),
    MARGIN.left,
    plot.width - MARGIN.right,
    state.logx,
  );
  plot.sy = scaleOf(
    plot.rows.map((row) => ys[row]),
    plot.height - MARGIN.bottom,
    MARGIN.top,
    state.logy,
  );
  plot.px = plot.rows.map((row) => plot.sx.at(xs[row]));
  plot.py = plot.rows.map((row) => plot.sy.at(ys[row]));
  const colours = colouring();
  const cursor = plot.cursor || makeCursor(),
    focused = document.activeElement === cursor;
  root.replaceChildren(
    axesLayer(),
    pointsLayer(colours),
    frontLine(),
    svg("rect", { id: "brush", class: "brush" }),
    cursor,
  );
  placeCursor();
  if (focused) cursor.focus({ preventScroll: true });
  drawLegend(colours);
}

/** A value beside an axis, with the axis' unit. */
const tick = (key, value) => withUnit(value, numeric.get(key).unit);

function axesLayer() {
  const layer = svg("g", { class: "axes", "aria-hidden": "true" });
  const bottom = plot.height - MARGIN.bottom,
    right = plot.width - MARGIN.right;
  for (const value of plot.sx.ticks(Math.max(3, plot.width / 110))) {
    const x = plot.sx.at(value);
    layer.append(
      svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: bottom }),
      svg("text", { x, y: bottom + 16, "text-anchor": "middle" }, tick(state.x, value)),
    );
  }
  for (const value of plot.sy.ticks(Math.max(3, plot.height / 70))) {
    const y = plot.sy.at(value);
    layer.append(
      svg("line", { x1: MARGIN.left, x2: right, y1: y, y2: y }),
      svg("text", { x: MARGIN.left - 7, y: y + 4, "text-anchor": "end" }, tick(state.y, value)),
    );
  }
  layer.append(
    svg(
      "text",
      { class: "title", x: (MARGIN.left + right) / 2, y: plot.height - 8, "text-anchor": "middle" },
      numeric.get(state.x).label,
    ),
    svg(
      "text",
      {
        class: "title",
        transform: `translate(14 ${(MARGIN.top + bottom) / 2}) rotate(-90)`,
        "text-anchor": "middle",
      },
      numeric.get(state.y).label,
    ),
  );
  return layer;
}

/** All points; those outside the filters are faint and lie below, the front has a ring and lies on top. */
function pointsLayer(colours) {
  const layer = svg("g", { class: "points", "aria-hidden": "true" }),
    seen = state.seen;
  const level = (row) => (seen.has(row) ? 1 : 0) + (data.front[row] && seen.has(row) ? 1 : 0);
  const above = (row) => level(row) + (seen.has(row) && proofOf(row) ? 0.5 : 0);
  const order = plot.rows.map((row, place) => [level(row), place, above(row)]).sort((a, b) => a[2] - b[2]);
  const small = plot.rows.length > 600 ? 2.6 : 3.6;
  for (const [rank, place] of order) {
    const row = plot.rows[place],
      shape = SHAPES[SHAPE_OF[proofOf(row)] || "point"];
    const kind = `${rank === 0 ? "out" : rank === 2 ? "in front" : "in"} ${proofOf(row)}`.trim();
    layer.append(
      svg("path", {
        d: shape(small + (rank === 2 ? 1.6 : 0) + (proofOf(row) ? 1.6 : 0)),
        class: kind,
        fill: colours.of(row),
        transform: `translate(${plot.px[place].toFixed(1)} ${plot.py[place].toFixed(1)})`,
      }),
    );
  }
  return layer;
}

/** The front as steps, where the axes are the two objectives of one workload. */
function frontLine() {
  const names = data.objectives.map((each) => each.name),
    one = state.group >= 0 || data.groups.levels.length === 1;
  const shown = one && names.length === 2 && names.includes(state.x) && names.includes(state.y);
  const places = !shown
    ? []
    : plot.rows
        .map((row, place) => place)
        .filter((place) => data.front[plot.rows[place]])
        .sort((a, b) => plot.px[a] - plot.px[b] || plot.py[a] - plot.py[b]);
  const path = places.map((place, k) =>
    k ? `H${plot.px[place]}V${plot.py[place]}` : `M${plot.px[place]},${plot.py[place]}`,
  );
  return svg("path", { class: "frontline", d: path.join(""), "aria-hidden": "true" });
}
