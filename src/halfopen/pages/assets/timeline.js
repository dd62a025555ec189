// A timeline under a reader's hands: pointing, reading, moving, jumping; by mouse, touch and keyboard. Text from devices is
// only ever put into textContent and fillText.

const NEAR_MOUSE = 12;
const NEAR_TOUCH = 24;

class Timeline extends Drawing {
  constructor(figure) {
    super(figure);
    // the button stays where it is while words change: what has the focus must not vanish under a reader's hands
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.addEventListener("click", () => this.target && this.jump(this.target));
    this.said = document.createElement("span");
    figure.querySelector(".readout").replaceChildren(this.button, this.said);
    this.steps = this.allSteps();
    this.at = -1;
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    this.resize();
  }

  /** Where the keyboard steps: events, stretches, and of a curve what a finding quotes and its extreme values. */
  allSteps() {
    const found = [];
    this.data.lanes.forEach((lane, l) => {
      (lane.series || []).forEach((series, s) => found.push(...this.worthReading(series, l, s)));
      (lane.marks || []).forEach((mark) => found.push({ type: "mark", l, r: -1, mark, x: mark[0] }));
      (lane.rows || []).forEach((row, r) => {
        row.marks.forEach((mark) => found.push({ type: "mark", l, r, mark, x: mark[0] }));
        row.spans.forEach((span) => found.push({ type: "span", l, r, span, x: span[0] }));
      });
    });
    return found.sort((a, b) => a.x - b.x);
  }

  worthReading(series, l, s) {
    const { x, y } = series;
    if (!x.length) return [];
    const chosen = new Set([0, x.length - 1]);
    let low = 0, high = 0;
    y.forEach((value, n) => {
      if (value < y[low]) low = n;
      if (value > y[high]) high = n;
      if (this.targets.has(this.sampleKey(series, n))) chosen.add(n);
    });
    return [...chosen.add(low).add(high)].map((n) => ({ type: "sample", l, s, n, x: x[n], value: y[n] }));
  }

  find(px, py, near) {
    let best = null, distance = near;
    for (const hit of this.hits) {
      if (hit.px === undefined) continue;
      const away = hit.type === "pin"
        ? Math.hypot(Math.max(Math.abs(px - hit.px) - hit.half, 0), Math.max(Math.abs(py - hit.py) - 9, 0))
        : Math.hypot(px - hit.px, py - hit.py);
      // a ring lies on the very thing it marks: the thing says more
      const cost = hit.type === "thread" ? away + 0.5 : away;
      if (cost <= distance) { best = hit; distance = cost; }
    }
    if (best) return this.described(best);
    if (px < this.left - 8 || px > this.right + 8) return null;
    for (const hit of this.hits) {
      if (hit.type === "series" && py >= hit.top && py <= hit.end) {
        const sample = this.sample(hit.l, px, py);
        if (sample) return sample;
      }
    }
    const spans = this.hits.filter((hit) => hit.type === "span" && Math.abs(py - hit.py) <= ROW_HEIGHT / 2 && px >= hit.from - 3 && px <= hit.to + 3);
    if (spans.length) return { type: "span", l: spans[spans.length - 1].l, r: spans[spans.length - 1].r, span: spans[spans.length - 1].span, x: this.x(px) };
    return { type: "time", x: this.x(px) };
  }

  described(hit) {
    if (hit.type === "mark") return { type: "mark", l: hit.l, r: hit.r, mark: hit.mark, x: hit.mark[0], count: hit.count };
    if (hit.type === "pin") return { type: "pin", n: hit.n, x: this.data.pins[hit.n].x };
    return { type: "thread", n: hit.n, t: hit.t, x: hit.x };
  }

  /** The nearest sample of a lane's curves, by position first and by value between curves. */
  sample(l, px, py) {
    let best = null;
    this.data.lanes[l].series.forEach((series, s) => {
      const at = lowerBound(series.x, this.x(px));
      for (const n of [at - 1, at]) {
        if (n < 0 || n >= series.x.length) continue;
        const dx = Math.abs(this.px(series.x[n]) - px), dy = Math.abs(this.y(l, series.y[n]) - py);
        if (dx > 60) continue;
        const cost = dx + dy / 4;
        if (!best || cost < best.cost) best = { type: "sample", l, s, n, x: series.x[n], value: series.y[n], cost };
      }
    });
    return best;
  }

  place(source, number) {
    const name = this.data.sources[source] ?? "";
    return number > 0 ? `${name}:${number}` : number < 0 ? `${name} frame ${-number}` : name;
  }

  words(hit) {
    const { lanes, kinds, texts, pins } = this.data;
    if (!hit) return this.pin < 0 ? { what: "", place: "", text: "Point at something to read what it is.", plain: true } : this.words({ type: "pin", n: this.pin, x: pins[this.pin].x });
    const when = this.when(hit.x, 1, true);
    if (hit.type === "time") return { what: when, place: "", text: "" };
    if (hit.type === "pin") {
      const pin = pins[hit.n];
      return { what: pin.label, place: when, text: pin.title, target: pin.target, action: "Show proof", plain: true };
    }
    if (hit.type === "thread") {
      const pin = pins[hit.n], [, source, number, text, target] = pin.threads[hit.t];
      return { what: `Evidence of ${pin.label}`, place: `${when} · ${this.place(source, number)}`, text: texts[text], target, action: "Show quoted line" };
    }
    const lane = lanes[hit.l];
    const row = hit.r >= 0 ? lane.rows[hit.r].label : "";
    if (hit.type === "sample") {
      const series = lane.series[hit.s];
      const source = series.source.length ? series.source[hit.n] : series.first, number = series.number[hit.n];
      const target = this.targets.get(this.sampleKey(series, hit.n));
      return { what: `${series.name}: ${valueText(hit.value, lane.unit, true)}`, place: `${when} · ${this.place(source, number)}`, text: "", target, action: "Show quoted line" };
    }
    const thing = hit.mark || hit.span;
    const [k, source, number, text, detail] = hit.mark ? [thing[1], ...thing.slice(2, 6)] : [thing[2], ...thing.slice(3, 7)];
    const count = hit.count ?? (hit.mark ? thing[6] : 1);
    const many = count > 1 ? `${count} × ` : "";
    const told = texts[detail] ? `: ${texts[detail]}` : "";
    const time = hit.span ? `${this.when(thing[0], 1, true)} to ${thing[7] ? "at least " : ""}${this.when(thing[1], 1, true)}` : when;
    const lasted = hit.span && this.section(thing[0]).clock !== "line" ? ` (${this.lasted(thing)})` : "";
    const place = this.place(source, number);
    return {
      what: `${many}${kinds[k][0]}${told}`,
      place: [`${time}${lasted}`, place, row && row !== "state" ? row : ""].filter(Boolean).join(" · "),
      text: texts[text],
      target: this.targets.get(`${source}:${number}`),
      action: "Show quoted line",
    };
  }

  lasted(span) {
    const section = this.section(span[0]);
    const seconds = (span[1] - span[0]) * section.rate;
    return seconds >= 120 ? `${(seconds / 60).toFixed(1)} min` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  }

  tell(hit) {
    this.pointed = hit;
    this.figure.classList.toggle("live", Boolean(hit));
    const words = this.words(hit);
    const parts = [];
    const add = (kind, text) => {
      if (!text) return;
      const element = document.createElement("span");
      element.className = kind;
      element.textContent = text;
      parts.push(element, document.createTextNode(" "));
    };
    if (words.target) this.button.textContent = words.action;
    this.button.setAttribute("aria-disabled", String(!words.target));
    add("what", words.what);
    add("place", words.place);
    add(words.plain ? "told" : "text", words.text);
    this.said.replaceChildren(...parts);
    this.target = words.target;
  }

  jump(target) {
    document.dispatchEvent(new CustomEvent("halfopen:jump", { detail: target }));
  }

  move(from, to) {
    const [low, high] = this.whole;
    const span = clamp(to - from, Math.min((high - low) / 1e6 + 1e-4, high - low), high - low);
    if (span > (high - low) * 0.9999) { this.view = [low, high]; this.redraw(); return; }
    const middle = clamp((from + to) / 2, low + span / 2, high - span / 2);
    this.view = [middle - span / 2, middle + span / 2];
    this.redraw();
  }

  zoom(factor, px = (this.left + this.right) / 2) {
    const x = this.x(px);
    this.move(x - (x - this.view[0]) * factor, x + (this.view[1] - x) * factor);
  }

  pan(pixels) {
    const by = (pixels / (this.right - this.left)) * (this.view[1] - this.view[0]);
    this.move(this.view[0] + by, this.view[1] + by);
  }

  bring(x) {
    const span = this.view[1] - this.view[0];
    if (x < this.view[0] + span * 0.05 || x > this.view[1] - span * 0.05) this.move(x - span / 2, x + span / 2);
  }

  choose(n) {
    this.pin = n;
    this.bring(this.data.pins[n].x);
    this.redraw();
    this.tell({ type: "pin", n, x: this.data.pins[n].x });
  }

  turn(by) {
    if (!this.order.length) return;
    const at = this.order.indexOf(this.pin);
    this.choose(this.order[(at + by + this.order.length) % this.order.length]);
  }

  step(by) {
    if (!this.steps.length) return;
    if (this.pointed && this.pointed.x !== undefined && (this.at < 0 || this.steps[this.at].x !== this.pointed.x)) {
      this.at = this.steps.findIndex((s) => s.x >= this.pointed.x) - (by > 0 ? 1 : 0);
    }
    this.at = clamp(this.at + by, 0, this.steps.length - 1);
    this.bring(this.steps[this.at].x);
    this.tell(this.steps[this.at]);
    this.redraw();
  }

  listen() {
    const stage = this.stage;
    stage.addEventListener("focus", () => { this.released = false; });
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.moved(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.pointers.size) { this.tell(null); this.drawCursor(); }
    });
    stage.addEventListener("dblclick", (event) => this.zoom(0.4, this.local(event).px));
    stage.addEventListener("keydown", (event) => this.key(event));
    const acts = { in: () => this.zoom(0.6), out: () => this.zoom(1 / 0.6), all: () => this.move(...this.whole), previous: () => this.turn(-1), next: () => this.turn(1) };
    for (const button of this.figure.querySelectorAll("button[data-do]")) button.addEventListener("click", acts[button.dataset.do]);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.resize());
  }

  local(event) {
    const box = this.stage.getBoundingClientRect();
    return { px: event.clientX - box.left - this.stage.clientLeft, py: event.clientY - box.top - this.stage.clientTop };
  }

  /** The wheel scrolls the page until the picture is clicked, and again after Escape, so that nobody gets stuck. */
  wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!event.ctrlKey && !event.metaKey && !sideways && (this.released || document.activeElement !== this.stage)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (sideways) this.pan(event.deltaX * unit);
    else this.zoom(Math.exp(clamp(event.deltaY * unit, -240, 240) * 0.0022), this.local(event).px);
  }

  down(event) {
    if (event.button) return;
    this.released = false;
    this.pointers.set(event.pointerId, this.local(event));
    this.drag = { ...this.local(event), view: [...this.view], far: false };
    if (this.pointers.size === 2) this.pinch = { ...this.grip(), view: [...this.view] };
    try { this.stage.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
  }

  grip() {
    const [a, b] = [...this.pointers.values()];
    return { middle: (a.px + b.px) / 2, apart: Math.max(Math.abs(a.px - b.px), 24) };
  }

  moved(event) {
    const here = this.local(event);
    if (!this.pointers.has(event.pointerId)) {
      this.tell(this.find(here.px, here.py, NEAR_MOUSE));
      this.drawCursor();
      return;
    }
    this.pointers.set(event.pointerId, here);
    const wide = this.right - this.left;
    if (this.pointers.size === 2 && this.pinch) {
      const grip = this.grip(), [low, high] = this.pinch.view;
      const span = (high - low) * (this.pinch.apart / grip.apart);
      const held = low + ((this.pinch.middle - this.left) / wide) * (high - low);
      const from = held - ((grip.middle - this.left) / wide) * span;
      this.drag.far = true;
      this.move(from, from + span);
    } else if (this.drag) {
      const by = here.px - this.drag.px;
      if (Math.abs(by) > 4 || this.drag.far) {
        this.drag.far = true;
        this.stage.classList.add("moving");
        const shift = (by / wide) * (this.drag.view[1] - this.drag.view[0]);
        this.move(this.drag.view[0] - shift, this.drag.view[1] - shift);
      }
    }
  }

  up(event) {
    const held = this.pointers.delete(event.pointerId);
    this.stage.classList.remove("moving");
    if (this.pointers.size) {
      const [left] = this.pointers.values();
      this.drag = { ...left, view: [...this.view], far: true };
      return;
    }
    if (held && this.drag && !this.drag.far) this.click(event);
    this.drag = this.pinch = null;
  }

  click(event) {
    const touch = event.pointerType === "touch";
    const { px, py } = this.local(event);
    const hit = this.find(px, py, touch ? NEAR_TOUCH : NEAR_MOUSE);
    if (!hit) return;
    if (hit.type === "pin" && hit.n !== this.pin) { this.choose(hit.n); return; }
    this.tell(hit);
    this.drawCursor();
    // a finger covers what it points at: it reads first and jumps by the button
    if (this.target && !touch) this.jump(this.target);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.pan(-80), ArrowRight: () => this.pan(80),
      "+": () => this.zoom(0.6), "=": () => this.zoom(0.6), "-": () => this.zoom(1 / 0.6), 0: () => this.move(...this.whole),
      n: () => this.turn(1), p: () => this.turn(-1), ".": () => this.step(1), ",": () => this.step(-1),
      Escape: () => { this.released = true; },
      Enter: () => this.target && this.jump(this.target),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

// A picture is made when it is first seen: a fleet has hundreds, most of them folded.
const made = new Map();
const make = (figure) => {
  if (!made.has(figure)) made.set(figure, new Timeline(figure));
  return made.get(figure);
};
const seen = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!target.clientWidth) continue;
    seen.unobserve(target);
    make(target.closest("figure"));
  }
});
// Asking a folded picture for its width would lay out the whole fold: the observer speaks of visible ones only.
for (const stage of document.querySelectorAll("figure.timeline .stage")) seen.observe(stage);

// Paper is white whatever the screen is, and shows what is folded. The picture of a device that is folded away is not
// drawn for it: a fleet would take minutes.
let unfolded = [];
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset.paper = "";
  for (const device of document.querySelectorAll("details.device:not([open])")) device.classList.add("unpictured");
  unfolded = [...document.querySelectorAll("details.fold:not([open]), details.device:not([open])")];
  for (const fold of unfolded) fold.open = true;
  for (const figure of document.querySelectorAll("figure.timeline")) {
    if (figure.closest(".unpictured")) continue;
    const one = make(figure);
    one.paper = true;
    one.resize();
  }
});

/** Closing many folds that have been laid out takes a browser minutes; out of the layout it takes no time. */
function foldAgain() {
  const main = document.querySelector("main"), { scrollX, scrollY } = window;
  main.hidden = true;
  document.body.getBoundingClientRect(); // has the layout forget what it knows of them
  for (const fold of unfolded) {
    fold.open = false;
    fold.classList.remove("unpictured");
  }
  unfolded = [];
  main.hidden = false;
  window.scrollTo(scrollX, scrollY);
}

window.addEventListener("afterprint", () => {
  delete document.documentElement.dataset.paper;
  foldAgain();
  for (const one of made.values()) { one.paper = false; one.resize(); }
});
