import { Receiver } from "rhea-promise";

/**
 * A request over a link whose connection was cut is told after a minute that nobody answered. For the text of that,
 * core-amqp 4.4.2 reads the link's address, and rhea-promise 3.0.3 throws there: in a timer, where nobody catches it and
 * the whole worker ends, with all that it has under way. Now it has no address.
 */
export function mendLostLinks(): void {
  const link = Object.getPrototypeOf(Receiver.prototype) as object;
  Object.defineProperty(link, "address", {
    configurable: true,
    get(this: { readonly source?: { readonly address?: string } }) {
      return this.source?.address;
    },
  });
}
