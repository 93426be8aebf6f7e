/**
 * Steps that could start now, by priority, then first come. Steps that ask for the same are one class: when one of
 * them finds no place, none of the others is looked at in that pass.
 */

import type { StepDefinition } from "#shared/pipeline/definition.ts";
import type { Step } from "./state.ts";

interface Queued {
	step: Step;
	order: number;
}

interface RequestClass {
	priority: number;
	queue: Map<Step, Queued>;
}

const classKeys = new WeakMap<StepDefinition, string>();

const classKey = (step: Step): string => {
	let key = classKeys.get(step.definition);
	if (key === undefined) {
		const { resources, labels, priority, action } = step.definition;
		key = JSON.stringify([priority, action.kind, resources, labels]);
		classKeys.set(step.definition, key);
	}
	// Who handed it back must not hold up the others of its class.
	return step.declinedUntilMs.size === 0 ? key : `${key} ${step.run.id} ${step.key}`;
};

export class ReadyQueue {
	readonly #classes = new Map<string, RequestClass>();
	readonly #classOf = new Map<Step, string>();
	#order = 0;

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
		const key = this.#classOf.get(step);
		if (key === undefined) return;
		this.#classOf.delete(step);
		const requestClass = this.#classes.get(key);
		requestClass?.queue.delete(step);
		if (requestClass?.queue.size === 0) this.#classes.delete(key);
	}

	/** Offers steps in order; `place` removes the ones it takes. A class whose head is refused is passed over. */
	offer(place: (step: Step) => boolean): void {
		const open = new Set(this.#classes.values());
		while (open.size > 0) {
			let best: RequestClass | null = null;
			let head: Queued | null = null;
			for (const candidate of open) {
				const [first] = candidate.queue.values();
				if (!first) {
					open.delete(candidate);
				} else if (
					!best ||
					!head ||
					candidate.priority > best.priority ||
					(candidate.priority === best.priority && first.order < head.order)
				) {
					best = candidate;
					head = first;
				}
			}
			if (!best || !head) return;
			if (!place(head.step)) open.delete(best);
		}
	}
}
