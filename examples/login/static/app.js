// The race: twenty requests at once, and what is left of them. Over HTTP/1.1 a
// browser has six of them under way at a time.
const racers = 20;

const counts = async () => (await fetch("/race")).json();

function lanes(kept, unchecked) {
  for (const [lane, n] of [["kept", kept], ["unchecked", unchecked]]) {
    const dots = document.getElementById(lane + "-dots");
    dots.replaceChildren(...Array.from({ length: racers }, (_, i) => {
      const dot = document.createElement("i");
      dot.className = i < n ? "on" : "";
      return dot;
    }));
  }
}

async function race(button) {
  const score = (lane, text) => { document.getElementById(lane).textContent = text; };
  button.disabled = true;
  lanes(0, 0);
  score("kept", "…");
  score("unchecked", "…");
  try {
    const before = await counts();
    if (!before.session) {
      throw new Error("Your browser keeps no cookie for this address: open http://localhost, or start the shop with -insecure.");
    }
    const answers = await Promise.all(Array.from({ length: racers }, () => fetch("/race", { method: "POST" })));
    const refused = answers.filter((a) => !a.ok).length;
    const after = await counts();
    const kept = after.basket - before.basket;
    const unchecked = after.unchecked - before.unchecked;
    lanes(kept, unchecked);
    score("kept", `${kept} of ${racers}` + (refused ? `, ${refused} refused` : ""));
    score("unchecked", `${unchecked} of ${racers}`);
    document.getElementById("race").dataset.done = "yes";
    await refresh("basket");
  } catch (err) {
    score("kept", err instanceof TypeError ? "The server does not answer." : err.message);
    score("unchecked", "");
  }
  button.disabled = false;
}

// refresh takes a part of the page from the server again.
async function refresh(id) {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  document.getElementById(id).replaceWith(page.getElementById(id));
}

const start = document.getElementById("race-start");
if (start) {
  lanes(0, 0);
  start.hidden = false;
  start.addEventListener("click", () => race(start));
}

// A form that is on its way is not sent again by an impatient second click.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 5000);
});

// A page that the back button takes from the browser's memory may show who was
// signed in then.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// The server tells when the session of this page has ended, such as when it is signed
// out on another device. The page then closes, and shows what the visitor may see now:
// a moment later, so that the browser has the cookie if another tab signs in or out.
// Only a page that is seen listens, since a browser keeps few connections to one server,
// and only until it is left: its own form may end the session, and is not to be aborted.
let events;

function closePage() {
  document.body.hidden = true;
  setTimeout(() => location.replace(location.pathname), 500);
}

function listen() {
  events?.close();
  events = document.hidden ? null : new EventSource("/events?public_id=" + document.body.dataset.session);
  events?.addEventListener("ended", () => { events.close(); closePage(); });
}

if (document.getElementById("user")) {
  listen();
  document.addEventListener("visibilitychange", listen);
  addEventListener("beforeunload", () => events?.close());
}
