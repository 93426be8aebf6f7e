/** Text inside an element of XML. */

const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&apos;",
};

export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "");

export const unescapeXml = (text: string): string =>
	text.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => characters.get(entity) ?? "");

const characters = new Map(Object.entries(entities).map(([character, entity]) => [entity, character]));
