// Shows the ticket that the link's fragment carries. Nothing of it leaves this page.

import encodeQR from "qr";
import { TicketError, isGenuine, readFragment, readToken } from "./token.js";
import { chooseWords } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const { botName, ticketKey, version } = document.documentElement.dataset;
const { words, locale } = chooseWords(navigator.languages);
const $ = (id) => document.getElementById(id);

function say(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => ({ bot: botName, ...values })[key]);
}

function write(id, text) {
  $(id).textContent = text;
  $(id).closest("[data-row]")?.toggleAttribute("hidden", text === "");
}

function group(ticketId) {
  return ticketId.match(/.{4}/g).join("-");
}

function date(seconds, zone, style) {
  const options = { ...style, timeZone: zone || undefined };
  try {
    return new Intl.DateTimeFormat(locale, options).format(seconds * 1000);
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(seconds * 1000);
  }
}

/** `start` is unix seconds, or YYYY-MM-DD for a whole day. */
function startText(start, zone) {
  const day = { weekday: "short", day: "numeric", month: "long", year: "numeric" };
  if (/^\d{4}-\d\d-\d\d$/.test(start)) {
    const seconds = Date.parse(start) / 1000;
    return Number.isNaN(seconds) ? "" : date(seconds, "UTC", day);
  }
  if (!/^\d{1,11}$/.test(start)) return "";
  const clock = { hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  return `${date(Number(start), zone, day)} · ${date(Number(start), zone, clock)}`;
}

function drawQR(text, label) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: 4 });
  const path = document.createElementNS(SVG, "path");
  const steps = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  path.setAttribute("d", steps.join(""));
  const svg = $("qr");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("aria-label", label);
  svg.replaceChildren(path);
}

const SHOWN = ["genuine", "unchecked", "expired"];

function showState(state) {
  const { classList, dataset } = document.documentElement;
  const bare = !SHOWN.includes(state);
  dataset.state = state;
  classList.toggle("bare", bare);
  write(bare ? "title" : "state", say(state));
  write("sentence", say(`say-${state}`));
}

function showEvent({ title, place, start, zone }) {
  write("title", title || say("ticket"));
  write("when", startText(start, zone));
  write("where", place);
  $("unsigned").hidden = !(title || place || start);
  document.title = title || say("ticket");
}

async function show() {
  const link = readFragment(location.hash);
  showEvent(link);
  let ticket;
  try {
    ticket = readToken(link.token);
  } catch (error) {
    if (!(error instanceof TicketError)) throw error;
    return showState(error.reason);
  }
  const { claims } = ticket;
  const code = group(claims.ticketId);
  drawQR(ticket.token, say("qr", { code }));
  write("code", code);
  write("expires", date(claims.expiresAt, link.zone, { dateStyle: "medium" }));
  write("version", String(claims.version));
  // one event, one colour: a hue from its hash
  const hue = Math.round((claims.event[0] * 360) / 256);
  document.documentElement.style.setProperty("--hue", String(hue));

  const genuine = await isGenuine(ticket, ticketKey);
  const expired = Date.now() / 1000 >= claims.expiresAt;
  if (genuine === false) showState("forged");
  else if (expired) showState("expired");
  else showState(genuine ? "genuine" : "unchecked");
}

// A phone that dims or locks at the gate is a nuisance; where it may not be kept awake, so be it.
function stayAwake() {
  if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
}

// From the second visit on the page opens without a network, too.
function keepForLater() {
  const make = { createScriptURL: () => `t/sw.js?v=${version}` };
  const url = globalThis.trustedTypes?.createPolicy("ticketbot", make) ?? make;
  navigator.serviceWorker?.register(url.createScriptURL(""), { scope: "t" }).catch(() => {});
}

document.documentElement.lang = locale;
for (const element of document.querySelectorAll("[data-say]")) {
  element.textContent = say(element.dataset.say);
}
$("print").addEventListener("click", () => print());
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
keepForLater();
await show();
