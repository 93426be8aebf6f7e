/** Names of container images, such as `python:3.12-slim` or `registry.lab:5000/team/train@sha256:…`. */

/** Neither an engine nor a shell could take it for anything else. */
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/;
const MAX_LENGTH = 255;

export const isImage = (text: string): boolean => text.length <= MAX_LENGTH && IMAGE.test(text);

export const imageRule = "an image, such as python:3.12-slim: letters, digits, and . _ - / : @, at most 255";
