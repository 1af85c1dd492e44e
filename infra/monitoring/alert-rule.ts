/** 1 data may be lost or a target is dead, 2 somebody must act today, 3 look at it this week. */
export type Severity = 1 | 2 | 3;

export interface Rule {
  /** Also the end of the resource's name and of the runbook's anchor. */
  readonly name: string;
  /** A sentence for the mail's subject. */
  readonly title: string;
  readonly severity: Severity;
}
