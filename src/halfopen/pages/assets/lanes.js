// Draws the lanes: curves over a scale, and rows of stretches and marks. What is drawn notes where it can be hit.

class Lanes extends Layout {
  clip(c, paint) {
    c.save();
    c.beginPath();
    c.rect(this.left - 6, 0, this.right - this.left + 12, this.height);
    c.clip();
    paint();
    c.restore();
  }

  fit(c, text, width) {
    if (width < 12) return "";
    if (c.measureText(text).width <= width) return text;
    let length = text.length;
    while (length > 1 && c.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
    return length > 1 ? `${text.slice(0, length)}…` : "";
  }

  write(c, { text, x, y, font, colour }) {
    c.font = font;
    c.textAlign = "left";
    c.fillStyle = this.colours.raised;
    c.fillRect(x - 2, y - 10, c.measureText(text).width + 4, 13);
    c.fillStyle = colour;
    c.fillText(text, x, y);
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
    series.y.forEach((value, n) => {
      const key = this.sampleKey(series, n);
      if (this.targets.has(key) && !this.anchors.has(key)) this.anchors.set(key, this.y(l, value));
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
      if (span[7]) this.openFrame(c, from + 0.5, Math.round(top) + 0.5, width - 0.5, height - 1);
      else if (width > 3) c.strokeRect(from + 0.5, Math.round(top) + 0.5, width - 1, height - 1);
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

  /** The frame of a stretch whose end was not seen: its right side is open, and its edges go on as dashes. */
  openFrame(c, x, y, width, height) {
    c.beginPath();
    c.moveTo(x + width, y);
    c.lineTo(x, y);
    c.lineTo(x, y + height);
    c.lineTo(x + width, y + height);
    c.stroke();
    c.setLineDash([2, 2]);
    c.beginPath();
    for (const edge of [y, y + height]) {
      c.moveTo(x + width + 2, edge);
      c.lineTo(x + width + 12, edge);
    }
    c.stroke();
    c.setLineDash([]);
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
      if (near && Math.abs(px - near.px) < 3) {
        near.count += mark[6];
        if (this.targets.has(key)) { near.mark = mark; this.anchors.set(key, near.py); }
        continue;
      }
      crowd = Math.abs(px - before) < 6 ? crowd + 1 : 0;
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
}
