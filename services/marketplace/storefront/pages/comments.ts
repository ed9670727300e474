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
  /** The address of this page. */
  path: string;
  /** Undefined if it is not where it was. */
  review: Review | undefined;
  comments: readonly Comment[];
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
  const { book, review, comments, next, problems = NO_PROBLEMS } = parts;
  const more =
    next === undefined
      ? ""
      : html`<nav class="pages" aria-label="Pages"><a class="button second" href="${next}" rel="next">More comments</a></nav>`;
  const main = html`<p class="crumb"><a href="/books/${book.id}#reviews">${book.title}</a></p>
<h1>Comments on a review</h1>
!${problemSummary(problems, FIELDS)}
!${review === undefined ? "" : html`!${reviewOf(review)}</article>`}
<section aria-labelledby="comments">
<h2 id="comments">Comments</h2>
!${comments.length === 0 ? html`<p class="quiet">Nobody has said anything yet.</p>` : comments.map((comment) => said(comment, parts))}
!${more}
</section>
!${write(parts)}`;
  return { title: formTitle("Comments", problems), main };
}

function said(comment: Comment, { path, own }: CommentsParts): string {
  const { id, threadId, authorName, content, createTime, editTime, deleted } = comment;
  const look = id === threadId ? "said" : "said answer";
  if (deleted)
    return html`<article class="${look}" id="comment-${id}"><p class="quiet">This comment was taken back.</p></article>`;
  const name = authorName || "A reader";
  const mine = own?.has(id) ? html` <a href="${withComment(path, id)}">Change<span class="hidden"> your comment</span></a>` : "";
  return html`<article class="${look}" id="comment-${id}">
<p class="who"><strong dir="auto">${name}</strong> <time datetime="${createTime?.toISOString() ?? ""}">${formatDay(createTime)}</time>${editTime === undefined ? "" : ", changed since"}</p>
<p class="words" dir="auto">${content}</p>
<p class="aside"><a href="${path}${path.includes("?") ? "&" : "?"}answer=${id}#write">Answer<span class="hidden"> ${name}</span></a>!${mine}</p>
</article>`;
}

/** The address of the page that changes a comment. */
function withComment(path: string, id: bigint): string {
  const [page = "", query] = path.split("?");
  return `${page}/comments/${id}${query === undefined ? "" : `?${query}`}`;
}

function write({ path, comments, own, answerTo, key, content = "", problems = NO_PROBLEMS }: CommentsParts): string {
  const answered = comments.find(({ id }) => id === answerTo);
  const title = answered === undefined ? "Say something" : `Answer ${answered.authorName || "a reader"}`;
  const hidden = { key, answer: String(answerTo) };
  const body =
    own === undefined
      ? html`<p><a href="${withNext("/sign-in", path)}">Sign in</a> to say something.</p>`
      : html`!${form({ action: path, fields: FIELDS, values: { content }, hidden, button: "Post", problems })}
!${answered === undefined ? "" : html`<p class="aside"><a href="${path}#write">Rather begin something new</a></p>`}`;
  return html`<section id="write" aria-labelledby="write-title">
<h2 id="write-title">${title}</h2>
!${body}
</section>`;
}

/** @param paths where the form is sent, and where the comments are. */
export function changeCommentPage(
  paths: { self: string; back: string },
  content: string,
  problems: Problems = NO_PROBLEMS,
): PageParts {
  const [self = "", query] = paths.self.split("?");
  const main = html`<h1>Your comment</h1>
!${problemSummary(problems, FIELDS)}
!${form({ action: paths.self, fields: FIELDS, values: { content }, button: "Save", problems })}
<form class="aside" method="post" action="${self}/delete${query === undefined ? "" : `?${query}`}"><button class="plain">Take my comment back</button></form>
<p class="aside"><a href="${paths.back}">Leave it as it is</a></p>`;
  return { title: formTitle("Your comment", problems), main };
}
