import { useState } from "react";
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from "react-aria-components";
import type { ApiError } from "../api.ts";
import { toApiError } from "../use-answer.ts";
import { useDraft } from "../use-draft.ts";
import { ErrorNotice } from "./answer-view.tsx";
import { Field } from "./field.tsx";

/** A change with its reason: asked once, written to the audit, said back when it fails. */
export function ReasonDialog({
  name,
  button,
  title,
  explanation,
  confirm,
  isRisky = false,
  isDisabled = false,
  onConfirm,
}: {
  /** Of the draft: what is typed survives until it is sent. */
  readonly name: string;
  readonly button: string;
  readonly title: string;
  readonly explanation: React.ReactNode;
  readonly confirm: string;
  readonly isRisky?: boolean;
  readonly isDisabled?: boolean;
  readonly onConfirm: (reason: string) => Promise<void>;
}) {
  const [reason, setReason] = useDraft(`reason.${name}`);
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const send = async (close: () => void): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm(reason.trim());
      setReason("");
      close();
    } catch (thrown) {
      setError(toApiError(thrown));
    }
    setBusy(false);
  };
  return (
    <DialogTrigger>
      <Button className={isRisky ? "risky" : "plain"} isDisabled={isDisabled}>
        {button}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog>
            {({ close }) => (
              <form
                onSubmit={(event) => {
                  event.preventDefault();
                  if (reason.trim() !== "" && !isBusy) void send(close);
                }}
              >
                <Heading slot="title">{title}</Heading>
                <div>{explanation}</div>
                {error !== undefined && <ErrorNotice error={error} />}
                <Field
                  label="Reason"
                  value={reason}
                  onChange={setReason}
                  hint="Kept with your name in the audit."
                  autoFocus
                />
                <footer>
                  <Button className="plain" onPress={close}>
                    Cancel
                  </Button>
                  <Button
                    type="submit"
                    className={isRisky ? "risky" : "primary"}
                    isDisabled={reason.trim() === "" || isBusy}
                  >
                    {isBusy ? "One moment…" : confirm}
                  </Button>
                </footer>
              </form>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}
