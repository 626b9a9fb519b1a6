// Starts the bundle for signed-in users, which is in the same folder, with its style.
import start from "./ostrakon-members.js";

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("./members.css", import.meta.url).href;
// Without its style the administration still works.
await new Promise((done) => {
  style.onload = style.onerror = done;
  document.head.append(style);
});
start();
