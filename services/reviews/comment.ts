import { createHash } from "node:crypto";
import { Failure, invalidField } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type FindAuthor, requireAuthor } from "./author.ts";
import { tidyText } from "./text.ts";

/** What a Comment is about. */
export type Subject = { readonly kind: "article"; readonly id: number } | { readonly kind: "review"; readonly id: string };

/** What somebody has said about something. */
export interface Comment {
  id: number;
  subject: Subject;
  /** The Comment that it answers; 0 if none. */
  parentId: number;
  /** The Comment that the thread began with: its own id where that is this one. */
  threadId: number;
  userId: string;
  /** What the author was called when writing. */
  authorName: string;
  content: string;
  createdAt: Date;
  editedAt: Date | undefined;
  /** Whether it only keeps the place before its answers. Content and name are empty then. */
  deleted: boolean;
}

/** Where a page of Comments begins: behind this one. */
export type CommentPosition = Pick<Comment, "threadId" | "id">;

/** Those about one thing, those with some ids, or both. */
export interface WhichComments {
  subject: Subject | undefined;
  ids: readonly number[] | undefined;
}

/** A Comment as it is posted. */
export interface PostedComment extends Pick<Comment, "subject" | "parentId" | "userId" | "authorName" | "content" | "createdAt"> {
  /** The author of the article; "" where it is about a Review. */
  articleAuthorId: string;
  /** The same for each try of one post. */
  idempotencyKey: string;
  /** Tells other requests with the same key. */
  fingerprint: string;
}

export interface CommentStore {
  /**
   * Stores a Comment, and with it that its author's reader is to be told. One
   * that was posted with the same key before is given as it is now.
   *
   * @throws Failure if the Review or the parent is not there, the parent is about something else, or the key was used for another post.
   */
  post(comment: PostedComment): Promise<{ comment: Comment; isNew: boolean }>;
  /** @returns undefined if the user has no such Comment. */
  edit(userId: string, id: number, content: string, editedAt: Date): Promise<Comment | undefined>;
  /** Deletes a Comment, or empties it if it has answers. @returns whether the user had such a Comment. */
  delete(userId: string, id: number): Promise<boolean>;
  find(id: number): Promise<Comment | undefined>;
  /** Newest thread first; in a thread, oldest Comment first. */
  list(subject: Subject, after: CommentPosition | undefined, limit: number): Promise<Comment[]>;
  /** Newest first, without those that are deleted. */
  listOwn(userId: string, which: WhichComments, beforeId: number | undefined, limit: number): Promise<Comment[]>;
}

export interface CommentDeps {
  comments: CommentStore;
  findAuthor: FindAuthor;
  now(): Date;
  logger: Logger;
}

export type NewComment = Omit<PostedComment, "authorName" | "createdAt" | "fingerprint">;

/** Stores what a user says about something; its author is told. */
export async function postComment(deps: CommentDeps, input: NewComment): Promise<Comment> {
  const { subject, articleAuthorId, parentId } = input;
  const content = requireContent(input.content);
  if (subject.kind === "article" && articleAuthorId === "") throw invalidField("author_user_id", "is required");
  if (subject.kind === "review" && articleAuthorId !== "")
    throw invalidField("author_user_id", "must be empty: who wrote the review is known");
  const { name: authorName } = await requireAuthor(deps.findAuthor, input.userId, "to comment");
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([subject, articleAuthorId, parentId, content]))
    .digest("base64url");
  const posted = { ...input, content, authorName, fingerprint, createdAt: deps.now() };
  const { comment, isNew } = await deps.comments.post(posted);
  // The content is the user's own business: only its length is logged.
  if (isNew) deps.logger.info(`Save Comment Data: ${subject.kind}_id: ${subject.id}, content: ${content.length} characters`);
  return comment;
}

/** Changes what a Comment says. */
export async function editComment(deps: CommentDeps, userId: string, id: number, content: string): Promise<Comment> {
  const edited = await deps.comments.edit(userId, id, requireContent(content), deps.now());
  return edited ?? refuseUnknownComment();
}

/** Deletes a Comment of the user. */
export async function deleteComment(comments: CommentStore, userId: string, id: number): Promise<void> {
  if (!(await comments.delete(userId, id))) refuseUnknownComment();
}

/** Where a page begins that shows a Comment: with its thread or, if it stands further down than a page, with itself. */
export async function pageWith(
  comments: CommentStore,
  id: number,
  pageSize: number,
): Promise<{ subject: Subject; after: CommentPosition }> {
  const { subject, threadId } = (await comments.find(id)) ?? refuseUnknownComment();
  const beginning = await comments.list(subject, { threadId, id: 0 }, pageSize);
  return { subject, after: { threadId, id: beginning.some((comment) => comment.id === id) ? 0 : id - 1 } };
}

export function refuseUnknownComment(): never {
  throw new Failure("not-found", "no such comment", { reason: "COMMENT_NOT_FOUND" });
}

export function refuseReusedKey(): never {
  throw new Failure("conflict", "the idempotency key was used for another comment", { reason: "IDEMPOTENCY_KEY_REUSED" });
}

function requireContent(content: string): string {
  const tidy = tidyText(content);
  if (tidy === "") throw invalidField("content", "is required");
  return tidy;
}
