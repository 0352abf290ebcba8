import { Client } from "node-sdk";

const client = new Client(window.location.origin);
const main = document.querySelector("#console");

client
  .healthy()
  .then((healthy) => {
    if (main) {
      main.textContent = healthy ? "The control plane is up." : "The control plane is down.";
    }
  })
  .catch((error: unknown) => console.error(error));
