// The legend, whose colours can be switched off, and the filters as chips that can be taken away.

function drawLegend(colours) {
  const legend = byId("legend");
  if (colours.text) {
    const hidden = state.hiddenLevels.get(state.colour) || new Set(),
      used = new Set(plot.rows.map((row) => colours.text.codes[row]));
    const buttons = colours.text.levels
      .map((label, code) => [label, code])
      .filter(([, code]) => used.has(code))
      .map(([label, code]) =>
        el(
          "button",
          { type: "button", "aria-pressed": String(!hidden.has(code)), onclick: () => toggleLevel(code) },
          el("span", { class: "swatch", style: `background:${OKABE_ITO[code % OKABE_ITO.length]}` }),
          label,
        ),
      );
    legend.replaceChildren(el("span", { class: "hint" }, `${colours.text.label}: `), ...buttons);
  } else if (colours.number) {
    const stops = CIVIDIS.join(",");
    legend.replaceChildren(
      el("span", { class: "hint" }, `${colours.number.label}: ${withUnit(colours.low, colours.number.unit)} `),
      el("span", { class: "ramp", style: `background:linear-gradient(90deg,${stops})` }),
      el("span", { class: "hint" }, ` ${withUnit(colours.high, colours.number.unit)}`),
    );
  } else legend.replaceChildren();
}

function toggleLevel(code) {
  const hidden = state.hiddenLevels.get(state.colour) || new Set();
  if (!hidden.delete(code)) hidden.add(code);
  state.hiddenLevels.set(state.colour, hidden);
  const place = [...byId("legend").querySelectorAll("button")].indexOf(document.activeElement);
  changed("view");
  byId("legend").querySelectorAll("button")[place]?.focus();
  say(`${state.visible.length} points shown`);
}

function drawChips() {
  const end = (key, value) => (Number.isFinite(value) ? withUnit(value, numeric.get(key).unit) : "…");
  const chips = [...state.filters].map(([key, [low, high]]) =>
    chip(`${numeric.get(key).label} ${end(key, low)} to ${end(key, high)}`, () => state.filters.delete(key)),
  );
  for (const [key, hidden] of state.hiddenLevels) {
    if (hidden.size)
      chips.push(
        chip(`${key} without ${[...hidden].map((code) => textual.get(key).levels[code]).join(", ")}`, () =>
          state.hiddenLevels.delete(key),
        ),
      );
  }
  if (chips.length > 1)
    chips.push(
      chip("all filters", () => {
        state.filters.clear();
        state.hiddenLevels.clear();
      }),
    );
  byId("chips").replaceChildren(...chips);
}

function chip(label, remove) {
  return el(
    "button",
    {
      type: "button",
      "aria-label": `Remove ${label}`,
      onclick: () => {
        remove();
        changed("view");
        byId("x").focus();
        say(`${state.visible.length} points shown`);
      },
    },
    label,
    el("span", { "aria-hidden": "true" }, " ×"),
  );
}
