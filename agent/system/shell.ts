/** Words for a shell. */

/** Taken as it stands. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
