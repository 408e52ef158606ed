CREATE TABLE `webhooks` (
	`tenant` text NOT NULL,
	`sub` text NOT NULL,
	`url` text NOT NULL,
	`secrets` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`disabled_at` integer,
	`disabled_reason` text,
	PRIMARY KEY(`tenant`, `sub`)
) WITHOUT ROWID; -- the primary key is the table, as in 0001
