import type { Messages } from "./message.ts";

export const zh: Messages = {
  "message.title": "来自书店的消息",
  "order-placed.title": "您的订单已提交",
  "order-placed.text":
    "谢谢惠顾！您于{date}订购了{count, plural, other {#本书}}：{books}。我们已收到您支付的{total}。{discounted, select, yes {本次促销为您节省了{discount}。} other {}}",
  "order-cancelled.title": "您的订单已取消",
  "order-cancelled.text": "您订购的{count, plural, other {#本书}}（{books}）已取消，我们将退还{refund}。",
  "payment-failed.title": "付款未成功",
  "payment-failed.text": "我们未能收取您的订单款项，因此订单没有生效，也没有扣款。请重试，或换一张银行卡。",
  "comment-posted.title": "新评论",
  "comment-posted.text":
    "{named, select, yes {{name}} other {有人}}评论了您的{about, select, article {文章} other {书评}}：“{excerpt}”",
  "comment-answered.title": "您的评论有新回复",
  "comment-answered.text": "{named, select, yes {{name}} other {有人}}回复了您的评论：“{excerpt}”",
  "promotion-reminder.title": "买二赠一",
  "promotion-reminder.text": "您的优惠仍然有效：购买两本书，即可免费获得第三本。该优惠可用于一笔订单。",
  book: "《{title}》",
  "more-books": "另外{count, plural, other {#本书}}",
  "email.greeting": "{name}，您好：",
  "email.open": "在书店中查看",
  "email.why": "您收到这封邮件，是因为您在本书店注册了账户。",
  "email.unsubscribe": "不再接收此类邮件",
};
