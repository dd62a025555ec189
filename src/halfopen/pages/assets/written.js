// Numbers and times as a reader wants them written, and two small tools that the drawing needs everywhere.

const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
  7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
];
const LINE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];

const BYTES = ["B", "kB", "MB", "GB", "TB"];

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

/** A number of bytes that fits beside an axis, however large a log claims it to be. */
function bytesText(value) {
  const power = clamp(Math.floor(Math.log10(Math.abs(value) || 1) / 3), 0, BYTES.length);
  if (power === BYTES.length) return `${value.toExponential(1)} B`;
  const scaled = value / 1000 ** power;
  return `${Math.abs(scaled) >= 100 ? Math.round(scaled) : Number(scaled.toPrecision(3))} ${BYTES[power]}`;
}

function valueText(value, unit, full) {
  if (unit === "bytes" && !full) return bytesText(value);
  if (!full && Math.abs(value) >= 1e7) return `${value.toExponential(1)}${unit ? ` ${unit}` : ""}`;
  const number = Number.isInteger(value) ? value.toLocaleString("en") : String(value);
  return unit && (full || unit !== "bytes") ? `${number} ${unit}` : number;
}
