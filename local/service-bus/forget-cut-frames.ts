import rhea from "rhea";

interface RheaClientConnection {
  frame_size?: number | undefined;
  chunks?: unknown;
  previous_input?: unknown;
  _reset_remote_state: (this: RheaClientConnection) => void;
}

let isDone = false;

/**
 * rhea 3.0.5 keeps the beginning of a frame whose rest was cut off with its connection, and takes what comes
 * over the next connection for that rest: the client then never opens again. For clients of this process: what
 * Azure has in their place (F&O, the Functions host) is written in other languages. The function app needs no
 * such help, it opens a new client after a send that failed.
 */
export function forgetCutFrames(): void {
  if (isDone) return;
  isDone = true;
  const some = rhea
    .create_container()
    .create_connection({ transport: "tcp", port: 0, reconnect: false });
  const prototype = Object.getPrototypeOf(some) as RheaClientConnection;
  const reset = prototype._reset_remote_state;
  prototype._reset_remote_state = function () {
    this.frame_size = undefined;
    this.chunks = null;
    this.previous_input = null;
    reset.call(this);
  };
}
