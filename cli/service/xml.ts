/** Text inside an element of XML. */

const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&apos;",
};

export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
