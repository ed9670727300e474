import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Comment, Review } from "../../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { formatDay } from "../format.ts";
import { withNext } from "../local-path.ts";
import { type Field, form, formTitle, NO_PROBLEMS, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";
import { reviewOf } from "./reviews.ts";

const FIELDS: readonly Field[] = [
  {
    name: "content",
    label: "Comment",
    type: "long text",
    required: true,
    maxlength: 4_000,
    hint: "Everybody can read it, with your name.",
  },
];

export interface CommentsParts {
  book: Book;
  /** The address of the comments, and of this page of them. */
  path: string;
  here: string;
  /** Undefined if nobody can say, as little as what the comments are. */
  review: Review | undefined;
  comments: readonly Comment[];
  /** Whether this page begins with the newest thread. */
  isFirst: boolean;
  /** The address of the next page. */
  next: string | undefined;
  /** The ids of those that whoever looks has written. Undefined for guests. */
  own: ReadonlySet<bigint> | undefined;
  /** The comment that is to be answered. 0n for none. */
  answerTo: bigint;
  /** Names the comment that is written, however often the form is sent. */
  key: string;
  content?: string;
  problems?: Problems;
}

export function commentsPage(parts: CommentsParts): PageParts {
  const { book, path, review, comments, isFirst, next, problems = NO_PROBLEMS } = parts;
  const more =
    next === undefined
      ? ""
      : html`<nav class="pages" aria-label="Pages"><a class="button second" href="${next}" rel="next">More comments</a></nav>`;
  const list = html`<section aria-labelledby="comments">
<h2 id="comments">Comments</h2>
!${isFirst ? "" : html`<p class="aside"><a href="${path}">Newest comments</a></p>`}
!${comments.length === 0 ? html`<p class="quiet">Nobody has said anything yet.</p>` : comments.map((comment) => said(comment, parts))}
!${more}
</section>`;
  const main = html`<p class="crumb"><a href="/books/${book.id}#reviews">${book.title}</a></p>
<h1>Comments on a review</h1>
!${problemSummary(problems, FIELDS)}
!${review === undefined ? "" : html`!${reviewOf(review)}</article>\n!${list}`}
!${write(parts)}`;
  return { title: formTitle("Comments", problems), main };
}

function said(comment: Comment, { path, own }: CommentsParts): string {
  const { id, threadId, authorName, content, createTime, editTime, deleted } = comment;
  const look = id === threadId ? "said" : "said answer";
  if (deleted)
    return html`<article class="${look}" id="comment-${id}"><p class="quiet">This comment was taken back.</p></article>`;
  const name = authorName || "A reader";
  const mine = own?.has(id) ? html` <a href="${path}/comments/${id}">Change<span class="hidden"> your comment</span></a>` : "";
  return html`<article class="${look}" id="comment-${id}">
<p class="who"><strong dir="auto">${name}</strong> <time datetime="${createTime?.toISOString() ?? ""}">${formatDay(createTime)}</time>${editTime === undefined ? "" : ", changed since"}</p>
<p class="words" dir="auto">${content}</p>
<p class="aside"><a href="${path}?answer=${id}#write">Answer<span class="hidden"> ${name}</span></a>!${mine}</p>
</article>`;
}

/** The address that leads to a comment, whatever it is about. */
export function commentPath(id: bigint): string {
  return `/comments/${id}`;
}

/** The address of the page of comments that shows one of them. @param path that of the comments. */
export function withComment(path: string, id: bigint): string {
  return `${path}?comment=${id}#comment-${id}`;
}

function write({ path, here, comments, own, answerTo, key, content = "", problems = NO_PROBLEMS }: CommentsParts): string {
  const answered = comments.find(({ id }) => id === answerTo);
  // It may have been taken back.
  const answer = answered === undefined ? "Answer a comment" : `Answer ${answered.authorName || "a reader"}`;
  const title = answerTo === 0n ? "Say something" : answer;
  const hidden = { key, answer: String(answerTo) };
  const body =
    own === undefined
      ? html`<p><a href="${withNext("/sign-in", here)}">Sign in</a> to say something.</p>`
      : html`!${form({ action: path, fields: FIELDS, values: { content }, hidden, button: "Post", problems })}
!${answerTo === 0n ? "" : html`<p class="aside"><a href="${path}#write">Rather begin something new</a></p>`}`;
  return html`<section id="write" aria-labelledby="write-title">
<h2 id="write-title">${title}</h2>
!${body}
</section>`;
}

/** @param paths where the form is sent, and where the comment is shown. */
export function changeCommentPage(
  paths: { self: string; back: string },
  content: string,
  problems: Problems = NO_PROBLEMS,
): PageParts {
  const main = html`<h1>Your comment</h1>
!${problemSummary(problems, FIELDS)}
!${form({ action: paths.self, fields: FIELDS, values: { content }, button: "Save", problems })}
<form class="aside" method="post" action="${paths.self}/delete"><button class="plain">Take my comment back</button></form>
<p class="aside"><a href="${paths.back}">Leave it as it is</a></p>`;
  return { title: formTitle("Your comment", problems), main };
}
