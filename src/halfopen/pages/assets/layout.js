// Where everything of a timeline lies: the data (drawing.py writes it), the view, rows, scales and flags.

const TONES = ["good", "warn", "bad", "info", "calm", "mute"];
const WIDE = 640; // from this width on lanes are named beside and not above
const SERIES_HEIGHT = 74;
const ROW_HEIGHT = 22;
const TITLE_HEIGHT = 22;
const LANE_GAP = 12;
const PIN_ROWS = 3;
const BARE_HEIGHT = 14; // the row of findings for whose labels there is no room

class Layout {
  constructor(figure) {
    this.figure = figure;
    this.data = JSON.parse(figure.querySelector("script.data").textContent);
    this.stage = figure.querySelector(".stage");
    this.ground = figure.querySelector("canvas.ground");
    this.cursor = figure.querySelector("canvas.cursor");
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
  }

  /** What a sample is quoted by: its source and its line or frame. */
  sampleKey(series, n) {
    return `${series.source.length ? series.source[n] : series.first}:${series.number[n]}`;
  }

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
    if (this.data.pins.some((pin) => pin.flag.bare)) y += BARE_HEIGHT;
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
      pin.flag = { x, from, width, row: 0, bare: false };
      if (x < this.left - 6 || x > this.right + 6) continue; // out of sight, and in nobody's way
      let row = 0;
      while (row < PIN_ROWS && (rows[row] || []).some(([a, b]) => from < b && to > a)) row += 1;
      Object.assign(pin.flag, { row, bare: row === PIN_ROWS });
      if (row < PIN_ROWS) (rows[row] ||= []).push([from, to]);
    }
    return rows.length;
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
}
