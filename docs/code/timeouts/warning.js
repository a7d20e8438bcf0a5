// Warns two minutes before the session ends, and leaves the page when it has ended.
const dialog = document.getElementById("warning");

async function look(method) {
  let wait = 60;
  try {
    const answer = await fetch("/session", { method, cache: "no-store" });
    const { seconds } = answer.ok ? await answer.json() : { seconds: 0 };
    if (answer.status < 500) {
      if (seconds === 0) {
        location.assign("/login");
        return;
      }
      const soon = seconds <= 120;
      if (soon && !dialog.open) dialog.showModal();
      if (!soon && dialog.open) dialog.close();
      wait = soon ? seconds + 1 : Math.min(seconds - 120, 60);
    }
  } catch {
    // the network is down: look again later
  }
  clearTimeout(look.timer);
  look.timer = setTimeout(() => look("GET"), wait * 1000);
}

document.getElementById("stay").onclick = () => look("POST");
document.addEventListener("visibilitychange", () => document.hidden || look("GET"));
look("GET");
