import { useId } from "react";
import { Input, Label, TextArea, TextField } from "react-aria-components";

export function Field({
  label,
  value,
  onChange,
  hint,
  isLong = false,
  ...rest
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly isLong?: boolean;
  readonly type?: string;
  readonly autoFocus?: boolean;
}) {
  const hintId = useId();
  const described = hint === undefined ? {} : { "aria-describedby": hintId };
  const { type, autoFocus } = rest;
  return (
    <TextField
      className="field"
      value={value}
      onChange={onChange}
      {...(type === undefined ? {} : { type })}
      {...(autoFocus === true ? { autoFocus } : {})}
      {...described}
    >
      <Label>{label}</Label>
      {isLong ? <TextArea rows={8} spellCheck={false} /> : <Input spellCheck={false} />}
      {hint !== undefined && <small id={hintId}>{hint}</small>}
    </TextField>
  );
}

export function Choice({
  label,
  value,
  onChange,
  options,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly options: readonly (readonly [value: string, text: string])[];
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
