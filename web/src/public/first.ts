/** What the server wrote into the page, so that the first list needs no request; nothing where it did not. */
import type { Area } from "../shared/types";
import type { PlacesAnswer } from "./kinds";

export interface First {
  within: string;
  /** The cities, as `/api/areas` gives them. */
  areas: Area[];
  places: PlacesAnswer;
  /** Key of the card that the page shows. */
  card?: string | null;
}

export function readFirst(): First | null {
  const text = document.getElementById("first")?.textContent;
  const first = text ? (JSON.parse(text) as Partial<First>) : {};
  return first.within && first.areas && first.places ? (first as First) : null;
}

/** Whether the server wrote a page that is not this script's: a grid's own page, or that there is nothing here. */
export function isServersOwnPage(first: First | null): boolean {
  if (document.querySelector("#app > *") === null) return false;
  return first === null || (location.pathname !== "/public/" && !first.card);
}

/** What was typed or ticked in the server's own form before this script came. */
export function typedSoFar(): string | null {
  return document.querySelector<HTMLInputElement>("#app input[name=q]")?.value ?? null;
}
