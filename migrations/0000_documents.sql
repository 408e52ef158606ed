CREATE TABLE `documents` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`sub` text NOT NULL,
	`external_id` text,
	`name` text NOT NULL,
	`content_type` text NOT NULL,
	`size` integer NOT NULL,
	`created_at` integer NOT NULL,
	`sequence` integer NOT NULL,
	`status` text NOT NULL,
	`total_pages` integer
);
--> statement-breakpoint
CREATE INDEX `documents_by_owner` ON `documents` (`tenant`,`sub`,`created_at`,`id`);