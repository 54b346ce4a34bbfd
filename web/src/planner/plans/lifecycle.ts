/** What may be done with a plan, by its state and by who asks. */
import type { Plan } from "../../shared/types";

export type Action = "keep" | "edit" | "submit" | "withdraw" | "approve" | "reject" | "restore" | "copy" | "delete";

export function actionsOf(plan: Pick<Plan, "status" | "submitted_by">, login: string): Action[] {
  switch (plan.status) {
    case "proposed":
      return ["keep", "edit", "delete"];
    case "draft":
      return ["keep", "edit", "submit", "copy", "delete"];
    case "submitted":
      return plan.submitted_by === login ? ["withdraw", "copy"] : ["approve", "reject", "copy"];
    case "approved":
      return ["reject", "copy"];
    case "effective":
    case "retired":
      return ["restore"];
  }
}

/** The steps of a plan's life in order, and how far it has come. */
export const STEPS = ["draft", "submitted", "approved", "effective"] as const;
export function stepOf(status: Plan["status"]): number {
  if (status === "proposed") return -1;
  return status === "retired" ? STEPS.length : STEPS.indexOf(status);
}

/** Today's date where the area lies, as the date field wants it. */
export function todayIn(timeZone: string, now = new Date()): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now);
}
