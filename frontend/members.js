// Starts the bundle for signed-in users, which is in the same folder.
import start from "./ostrakon-members.js";

start();
