import { Receiver } from "rhea-promise";
import { forgetCutFrames } from "./forget-cut-frames.ts";

let isDone = false;

/**
 * Mends what clients of this process do wrong when their connection is cut. For those that stand for F&O and for the
 * Functions host, which run on other clients in Azure.
 */
export function mendClients(): void {
  forgetCutFrames();
  if (isDone) return;
  isDone = true;
  // rhea-promise 3.0.3 throws here once a link has lost its connection, which core-amqp's time-out reads in a timer.
  const link = Object.getPrototypeOf(Receiver.prototype) as object;
  Object.defineProperty(link, "address", {
    configurable: true,
    get(this: { readonly source?: { readonly address?: string } }) {
      return this.source?.address;
    },
  });
}
