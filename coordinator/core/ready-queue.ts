/**
 * Steps that could start now, by priority, then first come. Steps that ask for the same are one class: when one of
 * them finds no place, or its concurrency group full, none of the others is looked at in that pass. Steps that wait for
 * an answer about their result (an equal step's end, a comparison of code) are parked until it comes.
 */

import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { needOf } from "../placement/needs.ts";
import type { Step } from "./state.ts";

interface Queued {
	step: Step;
	order: number;
}

interface RequestClass {
	priority: number;
	queue: Map<Step, Queued>;
}

/** What came of an offer: parked steps leave their class, refused ones hold it up for this pass. */
export type Offered = "taken" | "parked" | "refused";

const classKeys = new WeakMap<StepDefinition, string>();

const classKey = ({ definition, group, declinedUntilMs }: Step): string => {
	let key = classKeys.get(definition);
	if (key === undefined) {
		const { resources, labels, priority, action, concurrency, nodes } = definition;
		const agents = action.kind === "deploy" ? action.replicas : nodes;
		key = JSON.stringify([priority, action.kind, resources, labels, concurrency?.max, agents, needOf(definition)]);
		classKeys.set(definition, key);
	}
	// Some agent handed it back: that must not hold up others, which any agent may take.
	const barred = declinedUntilMs === null ? [] : [...declinedUntilMs.keys()].sort();
	return group === "" && barred.length === 0 ? key : `${key} ${JSON.stringify([group, barred])}`;
};

export class ReadyQueue {
	readonly #classes = new Map<string, RequestClass>();
	readonly #classOf = new Map<Step, string>();
	readonly #parked = new Map<string, Set<Step>>();
	readonly #parkedFor = new Map<Step, string>();
	#order = 0;

	/** In the order they came, those that are parked last. */
	steps(): Step[] {
		const queued = [...this.#classes.values()].flatMap(({ queue }) => [...queue.values()]);
		const inOrder = queued.sort((a, b) => a.order - b.order).map(({ step }) => step);
		return [...inOrder, ...this.#parkedFor.keys()];
	}

	/** Of those that could be offered. */
	get size(): number {
		return this.#classOf.size;
	}

	add(step: Step): void {
		const key = classKey(step);
		let requestClass = this.#classes.get(key);
		if (!requestClass) {
			requestClass = { priority: step.definition.priority, queue: new Map() };
			this.#classes.set(key, requestClass);
		}
		requestClass.queue.set(step, { step, order: this.#order++ });
		this.#classOf.set(step, key);
	}

	delete(step: Step): void {
		this.#leaveParking(step);
		const key = this.#classOf.get(step);
		if (key === undefined) return;
		this.#classOf.delete(step);
		const requestClass = this.#classes.get(key);
		requestClass?.queue.delete(step);
		if (requestClass?.queue.size === 0) this.#classes.delete(key);
	}

	/** Not offered again until `release` of the same. */
	park(step: Step, until: string): void {
		this.delete(step);
		const parked = this.#parked.get(until) ?? new Set();
		this.#parked.set(until, parked.add(step));
		this.#parkedFor.set(step, until);
	}

	release(until: string): void {
		for (const step of this.#parked.get(until) ?? []) {
			this.#leaveParking(step);
			this.add(step);
		}
	}

	#leaveParking(step: Step): void {
		const until = this.#parkedFor.get(step);
		if (until === undefined) return;
		this.#parkedFor.delete(step);
		const parked = this.#parked.get(until);
		parked?.delete(step);
		if (parked?.size === 0) this.#parked.delete(until);
	}

	/** Offers steps in order; `place` removes the ones it takes or parks. A class whose head is refused is passed over. */
	offer(place: (step: Step) => Offered): void {
		// The best last.
		const open = [...this.#classes.values()].flatMap(withHead).sort((a, b) => (isBefore(a, b) ? 1 : -1));
		for (let best = open.pop(); best; best = open.pop()) {
			const [head] = best.requestClass.queue.values();
			if (head === best.head && place(head.step) === "refused") continue;
			insertAgain(open, best.requestClass);
		}
	}
}

interface Headed {
	requestClass: RequestClass;
	head: Queued;
}

const withHead = (requestClass: RequestClass): Headed[] => {
	const [head] = requestClass.queue.values();
	return head ? [{ requestClass, head }] : [];
};

const isBefore = (one: Headed, other: Headed): boolean =>
	one.requestClass.priority === other.requestClass.priority
		? one.head.order < other.head.order
		: one.requestClass.priority > other.requestClass.priority;

/** By what stands first in it now; nowhere when nothing does. */
const insertAgain = (open: Headed[], requestClass: RequestClass): void => {
	const [headed] = withHead(requestClass);
	if (!headed) return;
	let low = 0;
	let high = open.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (isBefore(headed, open[middle] as Headed)) low = middle + 1;
		else high = middle;
	}
	open.splice(low, 0, headed);
};
