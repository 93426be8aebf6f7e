/** IEEE half precision in plain arithmetic: the runtimes we support do not all have Float16Array. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The nearest half, ties to even; too large becomes infinity. */
export const toHalfBits = (value: number): number => {
	// From the double at once: by way of a single, a value would be rounded twice.
	const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
	const magnitude = Math.abs(value);
	if (Number.isNaN(value)) return 0x7e00;
	if (magnitude >= 65_520) return sign | 0x7c00;
	const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude));
	const scaled = magnitude / 2 ** (exponent - 10);
	const below = Math.floor(scaled);
	const rest = scaled - below;
	const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
	// A normal's leading 1 (1024) is implied; a carry out of the mantissa raises the exponent by itself.
	return sign | ((exponent + 14) * 1024 + rounded);
};

export const fromHalfBits = (half: number): number => {
	const sign = (half & 0x8000) << 16;
	const exponent = (half >> 10) & 0x1f;
	const mantissa = half & 0x3ff;
	if (exponent === 0) return (sign ? -1 : 1) * mantissa * 2 ** -24;
	bits[0] = (sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13)) >>> 0;
	return single[0] as number;
};
