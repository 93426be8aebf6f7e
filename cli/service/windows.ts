/** The agent as a task of the Windows Task Scheduler. It is registered by a person: the commands stand with it. */

import { join } from "node:path";
import type { ServiceSpec } from "./spec.ts";
import { escapeXml } from "./xml.ts";

const TASK = "runmesh-agent";

export const taskPath = ({ home }: ServiceSpec): string => join(home.root, `${TASK}.xml`);

export const taskCommands = (path: string): string[] => [
	`schtasks /Create /TN ${TASK} /XML "${path}"`,
	`schtasks /Run /TN ${TASK}`,
];

/** The Task Scheduler gives a task no variables of its own, and the agent needs none that its user has not. */
export const taskText = ({ home, command, system }: ServiceSpec): string => {
	const [program = "", ...args] = command;
	return `${[
		'<?xml version="1.0" encoding="UTF-8"?>',
		'<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
		"\t<RegistrationInfo><Description>runmesh agent</Description></RegistrationInfo>",
		`\t<Triggers>${system ? "<BootTrigger/>" : "<LogonTrigger/>"}</Triggers>`,
		...(system
			? ['\t<Principals><Principal id="Author"><UserId>S-1-5-18</UserId></Principal></Principals>']
			: ['\t<Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType></Principal></Principals>']),
		"\t<Settings>",
		"\t\t<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
		"\t\t<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
		"\t\t<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
		"\t\t<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
		"\t\t<RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>",
		"\t</Settings>",
		'\t<Actions Context="Author"><Exec>',
		`\t\t<Command>${escapeXml(program)}</Command>`,
		`\t\t<Arguments>${escapeXml(args.map(quote).join(" "))}</Arguments>`,
		`\t\t<WorkingDirectory>${escapeXml(home.root)}</WorkingDirectory>`,
		"\t</Exec></Actions>",
		"</Task>",
	].join("\n")}\n`;
};

const quote = (text: string): string => (/[\s"]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text);
