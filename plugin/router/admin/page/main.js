// The clock: status every 5 s, matrix, services and timeline every 10 s, nodes every
// 30 s, while somebody looks. Every answer is kept until the next: what is shown is
// made anew from the last answers where the language changes.
let timer, answeredAt, failingSince, matrixAfter = 0, polls = 0;
const last = {};

async function poll() {
  clearTimeout(timer);
  try {
    if (!document.hidden || !polls) await refresh();
  } catch (error) {
    if (error instanceof NoToken) return; // the form starts again
    showDown(error);
  }
  clearTimeout(timer);
  timer = setTimeout(poll, 5000);
}
async function refresh() {
  last.status = await ask("status");
  answeredAt = Date.now();
  failingSince = 0;
  $("down").hidden = $("login").hidden = true;
  $("main").hidden = false;
  document.body.classList.remove("old");
  if (polls % 6 === 0) ask("nodes").then(answer => { last.nodes = answer; showLast(); }, noteProblem("nodes")); // it waits for those that do not answer
  showLast();
  if (polls++ % 2) return;
  await Promise.all([refreshMatrix(), loadServices().catch(noteProblem("services")),
    ask("timeline", { limit: 200 }).then(answer => { last.timeline = answer; showTimeline(answer); }).catch(noteProblem("timeline"))]);
}
// refreshMatrix asks for the matrix, and more rarely where the server takes long to make it.
async function refreshMatrix() {
  const begun = Date.now();
  if (begun < matrixAfter) return;
  await loadMatrix();
  matrixAfter = Date.now() + 20 * (Date.now() - begun);
}
// noteProblem returns what shows the fault of one part in its place. That the whole
// server is away is shown at the top.
const noteProblem = id => error => {
  if (error instanceof NoToken || error instanceof Away) throw error;
  $(id).replaceChildren(element("p.text-bad", error.message));
};
function showLast() {
  showStatus(last.status);
  if (last.nodes) showNodes(last.nodes);
  if (!failingSince) showHeadline(last.status);
}
function showDown(error) {
  failingSince ||= Date.now();
  const what = t(error instanceof Away ? "down.away" : "down.no.status", { time: dateTime(failingSince), since: duration(Date.now() - failingSince), error: error.message });
  $("down").textContent = plain(what + (answeredAt ? t("down.below", { time: dateTime(answeredAt) }) : ""));
  $("down").hidden = false;
  document.body.classList.add("old");
  headline("away", t("head.away"), t("title.away"), []);
}
// What stands there is marked as old also while an answer is being waited for.
const oldAfter = 15000;
setInterval(() => {
  if (answeredAt && !failingSince && !document.hidden && $("login").hidden && Date.now() - answeredAt > oldAfter) showDown(new Away(t("no.answer")));
}, 1000);
document.onvisibilitychange = () => { if (!document.hidden && $("login").hidden) poll(); };

$("login").onsubmit = event => {
  event.preventDefault();
  sessionStorage.setItem("setrouter-token", $("token").value);
  $("token").value = "";
  start();
};
for (const node of document.querySelectorAll("[data-language]")) node.onclick = () => {
  sessionStorage.setItem("setrouter-language", language = node.dataset.language);
  show();
};
// show puts everything into the language that was chosen.
function show() {
  translatePage();
  showLegend();
  if (!last.status) return;
  showLast();
  if (last.timeline) showTimeline(last.timeline);
  present.draw();
  future.draw();
  showSupposed();
  if (explained) $("explained").replaceChildren(element("div", explanation(explained)));
  loadServices().catch(() => {});
}
function start() {
  polls = matrixAfter = 0;
  poll();
  const link = new URLSearchParams(location.search);
  if (link.get("caller") && link.get("service")) askWhy(new URLSearchParams([...link].filter(([key]) => ["caller", "service", "set"].includes(key))));
}
chooseLanguage();
show();
start();
