// Draws the timelines of a page on canvas from the data beside them (drawing.py writes it) and lets a reader move in
// them by mouse, touch and keyboard. Text from devices is only ever put into textContent and fillText.
(() => {
  "use strict";

  const TONES = ["good", "warn", "bad", "info", "calm", "mute"];
  const STEPS = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
    7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
  ];
  const LINE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
  const WIDE = 640; // from this width on lanes are named beside and not above
  const SERIES_HEIGHT = 74;
  const ROW_HEIGHT = 22;
  const TITLE_HEIGHT = 22;
  const LANE_GAP = 12;
  const NEAR_MOUSE = 12;
  const NEAR_TOUCH = 24;

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** The first index in a rising list whose value is at least `value`. */
  function lowerBound(list, value) {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  }

  function digits(step) {
    return step >= 1 ? 0 : Math.min(3, Math.ceil(-Math.log10(step)));
  }

  function clockText(seconds, places) {
    const whole = Math.floor(seconds + 0.5 * 10 ** -places);
    const fraction = places ? Math.max(0, seconds - whole).toFixed(places).slice(1) : "";
    const two = (n) => String(n).padStart(2, "0");
    return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${fraction}`;
  }

  /** A time of a section's clock, short for the axis or in full for the readout. */
  function timeText(section, time, step, full) {
    const places = full ? 3 : digits(step);
    if (section.clock === "line") return `line ${Math.round(time)}`;
    if (section.clock === "elapsed") {
      const long = section.since + (section.end - section.start) * section.rate > 7200;
      return long && !full ? clockText(time, places) : `${time.toFixed(places)} s`;
    }
    const day = ((time % 86400) + 86400) % 86400;
    const text = clockText(day, places);
    if (section.clock === "clock") return text;
    const date = new Date(time * 1000);
    if (Number.isNaN(date.getTime())) return text;
    const iso = date.toISOString();
    if (full) return `${iso.slice(0, 10)} ${text}${section.clock === "utc" ? " UTC" : ""}`;
    return step >= 86400 ? iso.slice(5, 10) : text;
  }

  function valueText(value, unit, full) {
    if (unit === "bytes" && !full) return value >= 10000 ? `${Math.round(value / 1000)} kB` : value >= 1000 ? `${(value / 1000).toFixed(1)} kB` : `${value} B`;
    const number = Number.isInteger(value) ? value.toLocaleString("en") : String(value);
    return unit && (full || unit !== "bytes") ? `${number} ${unit}` : number;
  }

  class Timeline {
    constructor(figure) {
      this.figure = figure;
      this.data = JSON.parse(figure.querySelector("script.data").textContent);
      this.stage = figure.querySelector(".stage");
      this.ground = figure.querySelector("canvas.ground");
      this.cursor = figure.querySelector("canvas.cursor");
      this.readout = figure.querySelector(".readout");
      const sections = this.data.sections;
      const start = sections[0].start, end = sections[sections.length - 1].end;
      const room = (end - start) * 0.015;
      this.whole = [start - room, end + room];
      this.view = [...this.whole];
      this.order = this.data.pins.map((pin, n) => n).sort((a, b) => this.data.pins[a].x - this.data.pins[b].x);
      this.pin = this.data.pins.length ? 0 : -1;
      this.pointed = null;
      this.shapes = Object.fromEntries(Object.entries(this.data.shapes).map(([name, [path, filled]]) => [name, { path: new Path2D(path), filled }]));
      this.targets = new Map(this.data.targets.map(([source, number, target]) => [`${source}:${number}`, target]));
      this.scales = this.data.lanes.map((lane) => this.scaleOf(lane));
      this.steps = this.allMarks();
      this.at = -1;
      this.pointers = new Map();
      this.listen();
      new ResizeObserver(() => this.resize()).observe(this.stage);
      this.resize();
    }

    // ---- what does not change with the view

    scaleOf(lane) {
      if (lane.rows) return null;
      let low = Infinity, high = -Infinity;
      for (const series of lane.series) for (const y of series.y) { low = Math.min(low, y); high = Math.max(high, y); }
      if (lane.limit) high = Math.max(high, lane.limit[0]);
      if (low > high) { low = 0; high = 1; }
      if (lane.unit === "dBm") {
        low = Math.floor((low - 2) / 10) * 10;
        high = Math.ceil((high + 2) / 10) * 10;
      } else {
        low = 0;
        const power = 10 ** Math.floor(Math.log10(high || 1));
        high = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((n) => n >= high * 1.02) || high;
        if (!lane.unit) high = Math.max(2, 2 * Math.ceil(high / 2));
      }
      return { low, high };
    }

    allMarks() {
      const found = [];
      this.data.lanes.forEach((lane, l) => {
        (lane.marks || []).forEach((mark) => found.push({ type: "mark", l, r: -1, mark, x: mark[0] }));
        (lane.rows || []).forEach((row, r) => {
          row.marks.forEach((mark) => found.push({ type: "mark", l, r, mark, x: mark[0] }));
          row.spans.forEach((span) => found.push({ type: "span", l, r, span, x: span[0] }));
        });
      });
      return found.sort((a, b) => a.x - b.x);
    }

    // ---- layout

    resize() {
      const width = this.stage.clientWidth;
      if (!width) return;
      this.width = width;
      this.wide = width >= WIDE;
      this.left = this.wide ? 178 : 12;
      this.right = width - (this.wide ? 18 : 12);
      this.lay();
      const scale = Math.max(window.devicePixelRatio || 1, this.paper ? 2 : 1);
      for (const canvas of [this.ground, this.cursor]) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(this.height * scale);
        canvas.style.height = `${this.height}px`;
        canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
      }
      this.draw();
      this.tell(this.pointed);
    }

    lay() {
      const context = this.ground.getContext("2d");
      this.context = context;
      this.fonts();
      let y = 8;
      this.pinTop = y;
      this.pinRows = this.packPins(this.whole);
      y += this.pinRows * 24;
      if (this.data.sections.length > 1) { this.sectionTop = y; y += 18; }
      this.axisTop = y;
      y += 22;
      this.lanes = this.data.lanes.map((lane) => {
        const box = { top: y };
        y += 8;
        if (lane.rows) {
          box.title = y;
          y += TITLE_HEIGHT;
          box.rows = lane.rows.map((row) => {
            const label = this.wide || !row.label ? 0 : 15;
            const middle = y + label + ROW_HEIGHT / 2;
            const place = { top: y, label: y + 11, middle };
            y += label + ROW_HEIGHT;
            return place;
          });
        } else {
          box.title = y;
          if (!this.wide) y += TITLE_HEIGHT;
          box.bodyTop = y + 4;
          y += SERIES_HEIGHT + (lane.series.length > 2 ? 10 : 0);
          box.bodyEnd = y - 4;
        }
        y += LANE_GAP;
        box.end = y;
        return box;
      });
      this.bottom = y;
      this.height = y + 24;
    }

    fonts() {
      const style = getComputedStyle(this.figure);
      const family = style.fontFamily;
      this.font = { small: `11px ${family}`, plain: `12px ${family}`, bold: `600 12.5px ${family}` };
      const root = getComputedStyle(document.documentElement);
      const colour = (name) => root.getPropertyValue(`--${name}`).trim();
      this.colours = { text: colour("text"), quiet: colour("quiet"), line: colour("line"), soft: colour("soft"), raised: colour("raised"), sunk: colour("sunk") };
      for (const tone of TONES) {
        this.colours[tone] = colour(tone);
        this.colours[`${tone}-tint`] = colour(`${tone}-tint`);
      }
    }

    /** Give each pin a row so that flags do not overlap; those that find no room are drawn without their label. */
    packPins(view) {
      const rows = [];
      this.context.font = this.font.bold;
      for (const n of [...this.order].sort((a, b) => (b === this.pin) - (a === this.pin))) {
        const pin = this.data.pins[n];
        const width = this.context.measureText(pin.label).width + 26;
        const x = this.px(pin.x, view);
        const from = clamp(x - width / 2, this.left - 8, this.right + 8 - width), to = from + width + 6;
        let row = 0;
        while (row < 3 && (rows[row] || []).some(([a, b]) => from < b && to > a)) row += 1;
        pin.flag = { x, from, width, row: Math.min(row, 2), bare: row >= 3 };
        if (row < 3) (rows[row] ||= []).push([from, to]);
      }
      return clamp(rows.length, 0, 3);
    }

    px(x, view = this.view) {
      return this.left + ((x - view[0]) / (view[1] - view[0])) * (this.right - this.left);
    }

    x(px) {
      return this.view[0] + ((px - this.left) / (this.right - this.left)) * (this.view[1] - this.view[0]);
    }

    y(l, value) {
      const box = this.lanes[l], scale = this.scales[l];
      return box.bodyEnd - ((value - scale.low) / (scale.high - scale.low)) * (box.bodyEnd - box.bodyTop);
    }

    section(x) {
      const sections = this.data.sections;
      return sections.find((s) => x <= s.end) || sections[sections.length - 1];
    }

    when(x, step, full) {
      const section = this.section(x);
      const place = clamp(x, section.start, section.end);
      return timeText(section, section.since + (place - section.start) * section.rate, step, full);
    }

    // ---- drawing

    draw() {
      this.wanted = false;
      const c = this.context;
      c.clearRect(0, 0, this.width, this.height);
      c.lineWidth = 1; // what the last drawing left behind must not show in this one
      c.setLineDash([]);
      this.hits = [];
      this.anchors = new Map();
      this.written = []; // labels that lines must not cross out: painted last, on a ground of their own
      this.packPins(this.view);
      this.drawAxis(c);
      this.data.lanes.forEach((lane, l) => this.drawLane(c, lane, l));
      this.drawRules(c);
      this.drawPins(c);
      this.written.forEach((label) => this.write(c, label));
      this.drawCursor();
    }

    write(c, { text, x, y, font, colour }) {
      c.font = font;
      c.textAlign = "left";
      c.fillStyle = this.colours.raised;
      c.fillRect(x - 2, y - 10, c.measureText(text).width + 4, 13);
      c.fillStyle = colour;
      c.fillText(text, x, y);
    }

    redraw() {
      if (this.wanted) return;
      this.wanted = true;
      requestAnimationFrame(() => this.draw());
    }

    clip(c, paint) {
      c.save();
      c.beginPath();
      c.rect(this.left - 6, 0, this.right - this.left + 12, this.height);
      c.clip();
      paint();
      c.restore();
    }

    drawAxis(c) {
      const { line, quiet, soft, sunk } = this.colours;
      this.clip(c, () => {
        this.data.sections.forEach((section, n) => {
          const from = Math.max(this.px(section.start), this.left - 6), to = Math.min(this.px(section.end), this.right + 6);
          if (n && this.px(section.start) > this.left - 6) {
            const gap = this.px(this.data.sections[n - 1].end);
            c.fillStyle = sunk;
            c.fillRect(gap + 4, this.axisTop, this.px(section.start) - gap - 8, this.bottom - this.axisTop);
          }
          if (to <= from) return;
          if (this.data.sections.length > 1) {
            c.font = this.font.small;
            c.fillStyle = quiet;
            c.textAlign = "left";
            c.fillText(this.fit(c, section.label, to - from - 6), from + 2, this.sectionTop + 12);
          }
          this.drawTicks(c, section, from, to, { line, quiet, soft });
        });
      });
      c.strokeStyle = line;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(this.left - 6, this.axisTop + 20.5);
      c.lineTo(this.right + 6, this.axisTop + 20.5);
      c.stroke();
    }

    drawTicks(c, section, from, to, { quiet, soft }) {
      const low = section.since + (this.x(from) - section.start) * section.rate;
      const high = section.since + (this.x(to) - section.start) * section.rate;
      const steps = section.clock === "line" ? LINE_STEPS : STEPS;
      const apart = 92;
      const step = steps.find((s) => (s / (high - low || 1)) * (to - from) >= apart) || steps[steps.length - 1];
      const first = Math.ceil(low / step - 1e-9);
      c.font = this.font.small;
      let free = from - 4;
      for (let n = first; n * step <= high && n - first < 200; n += 1) {
        const px = this.px(section.start + (n * step - section.since) / section.rate);
        c.strokeStyle = soft;
        c.beginPath();
        c.moveTo(Math.round(px) + 0.5, this.axisTop + 16);
        c.lineTo(Math.round(px) + 0.5, this.bottom);
        c.stroke();
        const label = timeText(section, n * step, step, false);
        const width = c.measureText(label).width;
        const at = clamp(px - width / 2, from, to - width);
        if (at < free || to - from < width) continue;
        free = at + width + 10;
        const style = { text: label, x: at, font: this.font.small, colour: quiet };
        this.written.push({ ...style, y: this.axisTop + 12 });
        if (this.height > 420) this.written.push({ ...style, y: this.bottom + 15 });
      }
    }

    fit(c, text, width) {
      if (width < 12) return "";
      if (c.measureText(text).width <= width) return text;
      let length = text.length;
      while (length > 1 && c.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
      return length > 1 ? `${text.slice(0, length)}…` : "";
    }

    drawLane(c, lane, l) {
      const box = this.lanes[l];
      c.strokeStyle = this.colours.line;
      c.lineWidth = 1;
      c.beginPath();
      if (l) {
        c.moveTo(12, box.top - 4.5);
        c.lineTo(this.width - 12, box.top - 4.5);
        c.stroke();
      }
      this.written.push({ text: lane.title, x: 12, y: box.title + 12, font: this.font.bold, colour: this.colours.text });
      c.font = this.font.bold;
      c.textAlign = "left";
      const after = 12 + c.measureText(lane.title).width + 12;
      if (lane.rows) {
        if (lane.note) {
          c.font = this.font.small;
          c.fillStyle = this.colours.quiet;
          c.fillText(this.fit(c, lane.note, this.width - after - 12), after, box.title + 12);
        }
        lane.rows.forEach((row, r) => this.drawRow(c, row, l, r));
      } else {
        this.drawScale(c, lane, l, after);
        this.clip(c, () => {
          lane.series.forEach((series, s) => this.drawSeries(c, lane, series, l, s));
          this.drawMarks(c, lane.marks, l, -1, box.bodyEnd - 6);
        });
      }
    }

    drawScale(c, lane, l, after) {
      const box = this.lanes[l], scale = this.scales[l], { quiet, soft, warn } = this.colours;
      c.font = this.font.small;
      for (const value of [scale.low, (scale.low + scale.high) / 2, scale.high]) {
        const y = Math.round(this.y(l, value)) + 0.5;
        c.strokeStyle = soft;
        c.lineWidth = 1;
        c.setLineDash([]);
        c.beginPath();
        c.moveTo(this.left - 6, y);
        c.lineTo(this.right + 6, y);
        c.stroke();
        c.fillStyle = quiet;
        c.textAlign = this.wide ? "right" : "left";
        if (this.wide) c.fillText(valueText(value, lane.unit), this.left - 10, y + 4);
        else if (value !== (scale.low + scale.high) / 2) c.fillText(valueText(value, lane.unit), this.left, y - 3 + (value === scale.high ? 13 : 0));
      }
      c.textAlign = "left";
      lane.series.forEach((series, s) => {
        const x = this.wide ? 12 : after + (s ? this.context.measureText(lane.series[0].name).width + 40 : 0);
        const y = box.title + (this.wide ? 29 + 16 * s : 12);
        this.stroke(c, series);
        c.beginPath();
        c.moveTo(x, y - 4);
        c.lineTo(x + 16, y - 4);
        c.stroke();
        c.setLineDash([]);
        c.fillStyle = quiet;
        c.fillText(series.name, x + 21, y);
      });
      if (lane.limit) {
        const y = Math.round(this.y(l, lane.limit[0])) + 0.5;
        c.strokeStyle = warn;
        c.setLineDash([2, 3]);
        c.beginPath();
        c.moveTo(this.left - 6, y);
        c.lineTo(this.right + 6, y);
        c.stroke();
        c.setLineDash([]);
        c.fillStyle = warn;
        c.fillText(lane.limit[1], this.wide ? this.left : this.left + 30, y - 4);
      }
    }

    stroke(c, series) {
      c.strokeStyle = this.colours[series.tone];
      c.lineWidth = 1.6;
      c.setLineDash(series.dashed ? [5, 3] : []);
    }

    drawSeries(c, lane, series, l, s) {
      const first = Math.max(lowerBound(series.x, this.view[0]) - 1, 0);
      const last = Math.min(lowerBound(series.x, this.view[1]) + 1, series.x.length);
      this.stroke(c, series);
      c.lineJoin = "round";
      if (last - first > 1.5 * (this.right - this.left)) this.drawDense(c, series, l, first, last);
      else this.drawLine(c, series, l, first, last);
      c.setLineDash([]);
      this.hits.push({ type: "series", l, s, top: this.lanes[l].bodyTop - 4, end: this.lanes[l].bodyEnd + 4 });
      series.number.forEach((number, n) => {
        const key = `${series.source.length ? series.source[n] : series.first}:${number}`;
        if (this.targets.has(key) && !this.anchors.has(key)) this.anchors.set(key, this.y(l, series.y[n]));
      });
    }

    /** Too many samples for a line: from the lowest to the highest of each column, and a line through their middle. */
    drawDense(c, series, l, first, last) {
      const columns = [];
      for (let n = first; n < last; n += 1) {
        const px = Math.floor(this.px(series.x[n]) / 2) * 2, y = series.y[n];
        const column = columns[columns.length - 1];
        if (!column || column.px !== px) columns.push({ px, low: y, high: y, sum: y, count: 1, section: this.section(series.x[n]) });
        else { column.low = Math.min(column.low, y); column.high = Math.max(column.high, y); column.sum += y; column.count += 1; }
      }
      c.fillStyle = this.colours[`${series.tone}-tint`];
      for (const { px, low, high } of columns) {
        const top = this.y(l, high);
        c.fillRect(px, top - 0.5, 2, Math.max(this.y(l, low) - top, 0) + 1);
      }
      c.beginPath();
      columns.forEach(({ px, sum, count, section }, n) => {
        const near = columns.slice(Math.max(n - 2, 0), n + 3).filter((other) => other.section === section);
        const mean = near.reduce((all, one) => all + one.sum, 0) / near.reduce((all, one) => all + one.count, 0);
        if (n && columns[n - 1].section === section) c.lineTo(px + 1, this.y(l, mean));
        else c.moveTo(px + 1, this.y(l, mean));
      });
      c.lineWidth = 1.2;
      c.stroke();
    }

    drawLine(c, series, l, first, last) {
      const xs = series.x;
      c.beginPath();
      let section = null, before = 0, column = null;
      const flush = () => {
        if (!column) return;
        for (const n of [...new Set([column.first, Math.min(column.low, column.high), Math.max(column.low, column.high), column.last])]) {
          const px = this.px(xs[n]), py = this.y(l, series.y[n]);
          const here = this.section(xs[n]);
          if (here !== section) c.moveTo(px, py);
          else {
            if (series.step) c.lineTo(px, before);
            c.lineTo(px, py);
          }
          section = here;
          before = py;
        }
      };
      for (let n = first; n < last; n += 1) {
        const px = Math.floor(this.px(xs[n]));
        if (!column || column.px !== px) {
          flush();
          column = { px, first: n, last: n, low: n, high: n };
        } else {
          column.last = n;
          if (series.y[n] < series.y[column.low]) column.low = n;
          if (series.y[n] > series.y[column.high]) column.high = n;
        }
      }
      flush();
      c.stroke();
      if (!series.step && last - first <= 80) {
        c.fillStyle = this.colours[series.tone];
        for (let n = first; n < last; n += 1) {
          c.beginPath();
          c.arc(this.px(xs[n]), this.y(l, series.y[n]), 2.1, 0, 7);
          c.fill();
        }
      }
    }

    drawRow(c, row, l, r) {
      const place = this.lanes[l].rows[r];
      c.font = this.font.small;
      c.fillStyle = this.colours.quiet;
      c.textAlign = "left";
      if (this.wide) c.fillText(this.fit(c, row.label, this.left - 36), 20, place.middle + 4);
      else if (row.label) this.written.push({ text: this.fit(c, row.label, this.width - 24), x: 12, y: place.label, font: this.font.small, colour: this.colours.quiet });
      this.clip(c, () => {
        c.strokeStyle = this.colours.soft;
        c.lineWidth = 1;
        c.beginPath();
        c.moveTo(this.left - 6, Math.round(place.middle) + 0.5);
        c.lineTo(this.right + 6, Math.round(place.middle) + 0.5);
        c.stroke();
        for (const span of row.spans) this.drawSpan(c, span, l, r, place.middle, row);
        this.drawMarks(c, row.marks, l, r, place.middle);
      });
    }

    drawSpan(c, span, l, r, middle, row) {
      const [start, end, k] = span;
      if (end < this.view[0] || start > this.view[1]) return;
      const [name, shape, tone] = this.data.kinds[k];
      const from = Math.max(this.px(start), this.left - 8), to = Math.min(this.px(end), this.right + 8);
      const width = Math.max(to - from, 2), top = middle - 7, height = 14;
      c.strokeStyle = this.colours[tone];
      c.lineWidth = 1;
      if (shape === "dash") {
        c.setLineDash([4, 3]);
        c.lineWidth = 1.4;
        c.beginPath();
        c.moveTo(from, middle);
        c.lineTo(from + width, middle);
        c.stroke();
        c.setLineDash([]);
      } else {
        c.fillStyle = this.colours[`${tone}-tint`];
        c.fillRect(from, top, width, height);
        if (shape === "hatch") this.hatch(c, from, top, width, height);
        if (width > 3) c.strokeRect(from + 0.5, Math.round(top) + 0.5, width - 1, height - 1);
        else { c.fillStyle = this.colours[tone]; c.fillRect(from, top, width, height); }
      }
      c.font = this.font.small;
      const label = c.measureText(name).width;
      if (width > label + 14 && !row.marks.some((mark) => { const px = this.px(mark[0]); return px > from - 4 && px < from + label + 14; })) {
        if (shape !== "bar") {
          c.fillStyle = this.colours.raised;
          c.fillRect(from + 4, top + 1, label + 6, height - 2);
        }
        c.fillStyle = this.colours[tone];
        c.textAlign = "left";
        c.fillText(name, from + 7, middle + 4);
      }
      const key = `${span[3]}:${span[4]}`;
      if (this.targets.has(key) && !this.anchors.has(key)) this.anchors.set(key, middle);
      this.hits.push({ type: "span", l, r, span, from, to: from + width, py: middle });
    }

    hatch(c, x, y, width, height) {
      c.save();
      c.beginPath();
      c.rect(x, y, width, height);
      c.clip();
      c.beginPath();
      for (let at = x - height - (x % 6); at < x + width; at += 6) {
        c.moveTo(at, y + height);
        c.lineTo(at + height, y);
      }
      c.globalAlpha = 0.55;
      c.stroke();
      c.restore();
    }

    drawMarks(c, marks, l, r, middle) {
      const last = new Map();
      const heights = r < 0 ? [0] : [0, 6, -6]; // marks at one moment stand above each other, as far as a row allows
      let crowd = 0, before = -Infinity;
      for (const mark of marks) {
        const px = this.px(mark[0]);
        if (px < this.left - 8 || px > this.right + 8) continue;
        const key = `${mark[2]}:${mark[3]}`;
        const near = last.get(mark[1]);
        if (near && px - near.px < 3) {
          near.count += mark[6];
          if (this.targets.has(key)) { near.mark = mark; this.anchors.set(key, near.py); }
          continue;
        }
        crowd = px - before < 6 ? crowd + 1 : 0;
        before = px;
        const py = middle + heights[crowd % heights.length];
        if (this.targets.has(key)) this.anchors.set(key, py);
        const hit = { type: "mark", l, r, mark, px, py, count: mark[6] };
        last.set(mark[1], hit);
        this.hits.push(hit);
        const [, shape, tone] = this.data.kinds[mark[1]];
        this.symbol(c, shape, this.colours[tone], px, py);
      }
    }

    symbol(c, name, colour, x, y, size = 1) {
      const shape = this.shapes[name];
      c.save();
      c.translate(x, y);
      c.scale(size, size);
      if (shape.filled) {
        c.strokeStyle = this.colours.raised;
        c.lineWidth = 1.6;
        c.stroke(shape.path);
        c.fillStyle = colour;
        c.fill(shape.path);
      } else {
        c.lineCap = "round";
        c.strokeStyle = colour;
        c.lineWidth = 1.6;
        c.stroke(shape.path);
      }
      c.restore();
    }

    drawRules(c) {
      this.clip(c, () => {
        c.strokeStyle = this.colours.info;
        c.lineWidth = 1;
        c.globalAlpha = 0.55;
        c.setLineDash([1, 3]);
        for (const [x] of this.data.rules) {
          if (x < this.view[0] || x > this.view[1]) continue;
          c.beginPath();
          c.moveTo(this.px(x), this.axisTop + 20);
          c.lineTo(this.px(x), this.bottom);
          c.stroke();
        }
      });
      c.setLineDash([]);
      c.globalAlpha = 1;
    }

    drawPins(c) {
      const pins = this.data.pins;
      this.clip(c, () => {
        if (this.pin >= 0) this.drawThreads(c, pins[this.pin]);
        pins.forEach((pin, n) => {
          const flag = pin.flag;
          if (flag.x < this.left - 6 || flag.x > this.right + 6) return;
          c.strokeStyle = this.colours[pin.tone];
          c.globalAlpha = n === this.pin ? 0.8 : 0.25;
          c.lineWidth = n === this.pin ? 1.3 : 1;
          c.beginPath();
          c.moveTo(flag.x, this.pinTop + flag.row * 24 + 20);
          c.lineTo(flag.x, n === this.pin ? this.bottom : this.axisTop + 20);
          c.stroke();
          c.globalAlpha = 1;
        });
      });
      // the one that is chosen lies on top
      for (const n of [...pins.keys()].sort((a, b) => (a === this.pin) - (b === this.pin))) this.drawFlag(c, pins[n], n);
    }

    drawFlag(c, pin, n) {
      const { x, from, width, row, bare } = pin.flag;
      if (x < this.left - 6 || x > this.right + 6) return;
      const top = this.pinTop + row * 24, colour = this.colours[pin.tone];
      const shape = { bad: "cross", warn: "up", info: "ring" }[pin.tone] || "dot";
      if (bare) {
        this.symbol(c, shape, colour, x, top + 10);
        this.hits.push({ type: "pin", n, px: x, py: top + 10, half: 8 });
        return;
      }
      c.fillStyle = n === this.pin ? this.colours[`${pin.tone}-tint`] : this.colours.raised;
      c.strokeStyle = colour;
      c.lineWidth = n === this.pin ? 1.6 : 1;
      c.beginPath();
      c.roundRect(from, top, width, 20, 10);
      c.fill();
      c.stroke();
      this.symbol(c, shape, colour, from + 12, top + 10);
      c.font = this.font.bold;
      c.fillStyle = colour;
      c.textAlign = "left";
      c.fillText(pin.label, from + 20, top + 14.5);
      this.hits.push({ type: "pin", n, px: from + width / 2, py: top + 10, half: width / 2 });
    }

    /** Lines from the chosen finding to where its evidence lies, with a ring round each piece. */
    drawThreads(c, pin) {
      const from = this.axisTop + 20;
      pin.threads.forEach(([x, source, number, text, target], t) => {
        const key = `${source}:${number}`;
        const px = this.px(x), py = this.anchors.get(key) ?? from;
        c.strokeStyle = this.colours[pin.tone];
        c.globalAlpha = 0.5;
        c.lineWidth = 1;
        c.beginPath();
        c.moveTo(pin.flag.x, from - 20);
        c.bezierCurveTo(pin.flag.x, from + (py - from) * 0.5, px, from + (py - from) * 0.25, px, py - 6);
        c.stroke();
        c.globalAlpha = 1;
        c.lineWidth = 1.6;
        c.beginPath();
        c.arc(px, py, 6.5, 0, 7);
        c.stroke();
        this.hits.push({ type: "thread", n: this.pin, t, px, py, x });
      });
    }

    drawCursor() {
      const c = this.cursor.getContext("2d");
      c.clearRect(0, 0, this.width, this.height);
      const hit = this.pointed;
      if (!hit || hit.x === undefined) return;
      const px = this.px(hit.x);
      if (px < this.left - 6 || px > this.right + 6) return;
      c.strokeStyle = this.colours.quiet;
      c.globalAlpha = 0.6;
      c.beginPath();
      c.moveTo(Math.round(px) + 0.5, this.axisTop + 20);
      c.lineTo(Math.round(px) + 0.5, this.bottom);
      c.stroke();
      c.globalAlpha = 1;
      const box = hit.l === undefined ? null : this.lanes[hit.l];
      if (!box) return;
      const py = hit.type === "sample" ? this.y(hit.l, hit.value) : hit.r >= 0 ? box.rows[hit.r].middle : box.bodyEnd - 6;
      if (hit.type === "span") return;
      c.strokeStyle = this.colours.text;
      c.lineWidth = 1.5;
      c.beginPath();
      c.arc(px, py, 7.5, 0, 7);
      c.stroke();
    }

    // ---- what lies where

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

    // ---- the readout

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
        const target = this.targets.get(`${source}:${number}`);
        return { what: `${series.name}: ${valueText(hit.value, lane.unit, true)}`, place: `${when} · ${this.place(source, number)}`, text: "", target, action: "Show quoted line" };
      }
      const thing = hit.mark || hit.span;
      const [k, source, number, text, detail] = hit.mark ? [thing[1], ...thing.slice(2, 6)] : [thing[2], ...thing.slice(3, 7)];
      const count = hit.count ?? (hit.mark ? thing[6] : 1);
      const many = count > 1 ? `${count} × ` : "";
      const told = texts[detail] ? `: ${texts[detail]}` : "";
      const time = hit.span ? `${this.when(thing[0], 1, true)} to ${this.when(thing[1], 1, true)}` : when;
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
      if (words.target) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = words.action;
        button.addEventListener("click", () => this.jump(words.target));
        parts.push(button);
      }
      add("what", words.what);
      add("place", words.place);
      add(words.plain ? "told" : "text", words.text);
      this.readout.replaceChildren(...parts);
      this.target = words.target;
    }

    jump(target) {
      document.dispatchEvent(new CustomEvent("halfopen:jump", { detail: target }));
    }

    // ---- moving

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

    // ---- hands

    listen() {
      const stage = this.stage;
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

    /** The wheel scrolls the page until the picture is clicked, so that nobody gets stuck on the way down. */
    wheel(event) {
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!event.ctrlKey && !event.metaKey && !sideways && document.activeElement !== this.stage) return;
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : 1;
      if (sideways) this.pan(event.deltaX * unit);
      else this.zoom(Math.exp(clamp(event.deltaY * unit, -240, 240) * 0.0022), this.local(event).px);
    }

    down(event) {
      if (event.button) return;
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

  // paper is white whatever the screen is
  window.addEventListener("beforeprint", () => {
    document.documentElement.dataset.paper = "";
    for (const fold of document.querySelectorAll(".finding > details, details.device")) fold.open = true;
    for (const figure of document.querySelectorAll("figure.timeline")) {
      const one = make(figure);
      one.paper = true;
      one.resize();
    }
  });
  window.addEventListener("afterprint", () => {
    delete document.documentElement.dataset.paper;
    for (const one of made.values()) { one.paper = false; one.resize(); }
  });
})();
