// Starts the program for moderators and admins, which lies beside this file.
import start from "./ostrakon-admin.js";

start();
