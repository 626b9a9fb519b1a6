// Starts the program for who is signed in, which lies beside this file.
import start from "./ostrakon-members.js";

start();
