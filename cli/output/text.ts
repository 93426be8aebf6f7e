/** Text from elsewhere made safe for a terminal, and cut to a width. */

import { stripVTControlCharacters } from "node:util";

const ESCAPE = "\u001b";
const COLOR = new RegExp(`${ESCAPE}\\[[0-9;:]*m`, "g");
const RESET = `${ESCAPE}[0m`;
/** Tabs are harmless; marks that turn the direction of writing are not. */
const CONTROL = /(?!\t)[\p{Cc}\p{Bidi_Control}]/gu;

const escapeOne = (character: string): string => {
	const code = character.charCodeAt(0);
	return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, "0")}`;
};

/** Control characters become visible; colours pass where they are wanted, and end with the text. */
export const escapeControls = (text: string, colors = false): string => {
	const visible = (plain: string): string => plain.replace(CONTROL, escapeOne);
	if (!text.includes(`${ESCAPE}[`)) return visible(text);
	let safe = "";
	let from = 0;
	let colored = false;
	for (const match of text.matchAll(COLOR)) {
		safe += visible(text.slice(from, match.index)) + (colors ? match[0] : "");
		from = match.index + match[0].length;
		colored = colors;
	}
	return safe + visible(text.slice(from)) + (colored ? RESET : "");
};

/** Escaped too, for where a line break would be another line. */
export const oneLine = (text: string): string => escapeControls(text.replace(/\s+/g, " ").trim());

/** Columns it takes, near enough: colours take none. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/** Cut to `width` columns with an ellipsis; `text` has no colours in it. */
export const truncate = (text: string, width: number): string => {
	const characters = [...text];
	if (characters.length <= width) return text;
	return width <= 1 ? "…".slice(0, Math.max(0, width)) : `${characters.slice(0, width - 1).join("")}…`;
};
