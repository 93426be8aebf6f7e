/** Gates: `accuracy >= 0.95` read from text, and checked against a step's metrics. */

import type { Metric } from "../domain.ts";
import type { Gate, GateOperator } from "./definition.ts";

const GATE = /^([A-Za-z_][A-Za-z0-9_./-]*)\s*(>=|<=|==|!=|>|<)\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)$/;

const holds: Record<GateOperator, (value: number, bound: number) => boolean> = {
	">=": (value, bound) => value >= bound,
	"<=": (value, bound) => value <= bound,
	">": (value, bound) => value > bound,
	"<": (value, bound) => value < bound,
	"==": (value, bound) => value === bound,
	"!=": (value, bound) => value !== bound,
};

/** null when it is no `metric operator number`. */
export const parseGate = (source: string): Gate | null => {
	const [, metric, operator, number] = GATE.exec(source.trim()) ?? [];
	const value = Number(number);
	if (metric === undefined || operator === undefined || !Number.isFinite(value)) return null;
	return { metric, operator: operator as GateOperator, value, source: source.trim() };
};

export interface GateResult {
	gate: Gate;
	/** null when the step gave no such metric. */
	value: number | null;
	held: boolean;
}

/** A metric that is missing or not a number holds no gate, `!=` included. The last value of a metric counts. */
export const evaluateGates = (gates: readonly Gate[], metrics: readonly Metric[]): GateResult[] => {
	const values = new Map(metrics.map(({ name, value }) => [name, value]));
	return gates.map((gate) => {
		const value = values.get(gate.metric) ?? null;
		return { gate, value, held: value !== null && !Number.isNaN(value) && holds[gate.operator](value, gate.value) };
	});
};
