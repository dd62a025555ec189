// Draws a whole picture: axis, lanes, boots, findings with threads to their evidence, and what is pointed at.

class Drawing extends Lanes {
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

  redraw() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame(() => this.draw());
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
        c.moveTo(flag.x, flag.bare ? this.bareMiddle() : this.pinTop + flag.row * 24 + 20);
        c.lineTo(flag.x, n === this.pin ? this.bottom : this.axisTop + 20);
        c.stroke();
        c.globalAlpha = 1;
      });
    });
    // labels lie above bare symbols, and the one that is chosen on top
    const height = (n) => (n === this.pin ? 2 : pins[n].flag.bare ? 0 : 1);
    for (const n of [...pins.keys()].sort((a, b) => height(a) - height(b))) this.drawFlag(c, pins[n], n);
  }

  bareMiddle() {
    return (this.sectionTop ?? this.axisTop) - BARE_HEIGHT / 2;
  }

  drawFlag(c, pin, n) {
    const { x, from, width, row, bare } = pin.flag;
    if (x < this.left - 6 || x > this.right + 6) return;
    const top = this.pinTop + row * 24, colour = this.colours[pin.tone];
    const shape = { bad: "cross", warn: "up", info: "ring" }[pin.tone] || "dot";
    if (bare) {
      this.symbol(c, shape, colour, x, this.bareMiddle());
      this.hits.push({ type: "pin", n, px: x, py: this.bareMiddle(), half: 4 });
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
    const drawn = pin.threads.some(([, source, number]) => this.anchors.has(`${source}:${number}`));
    pin.threads.forEach(([x, source, number, text, target], t) => {
      const key = `${source}:${number}`;
      if (drawn && !this.anchors.has(key)) return; // the same frame in another capture: its witness is drawn
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
}
