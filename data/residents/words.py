"""What the pages of residents' reports say, in Chinese and English."""

from datetime import datetime
from zoneinfo import ZoneInfo

LANGUAGES = ("zh", "en")
WORDS: dict[str, tuple[str, str]] = {
    "title": ("我要报事", "Report a matter"),
    "order": ("我要点单", "Ask a volunteer"),
    "order_intro": (
        "选一项服务，社区派单，党员志愿者上门。服务不收费。不用注册，凭追踪码查看进度、评价结果。",
        "Choose a service; your community passes it on, and a volunteer comes. It costs nothing. No account is needed: "
        "a tracking code lets you follow and rate it.",
    ),
    "instead_order": ("需要志愿者上门服务？", "Do you need a volunteer's help?"),
    "instead_report": ("要反映问题？", "Something is wrong in the street?"),
    "order_kind": ("需要的服务", "The service"),
    "order_words": ("具体需要什么、什么时间方便", "What you need, and when it suits you"),
    "order_where": ("上门地址", "Where to come"),
    "order_phone_help": (
        "志愿者上门前先打电话。只有社区和接单的志愿者能看到，每次查看都有记录，办结 {days} 天后删除。",
        "The volunteer calls before coming. Only the community and that volunteer can see it, every look is recorded; "
        "erased {days} days after the end.",
    ),
    "other_language": ("English", "中文"),
    "back": ("便民地图", "Service map"),
    "sample": ("示例数据", "Sample data"),
    "intro": (
        "不用注册。提交后得到一个追踪码，凭它查看进度、评价结果。危急情况请直接拨打 110、119、120。",
        "No account is needed. You get a tracking code to follow the matter and to rate the result. "
        "In an emergency call 110, 119 or 120.",
    ),
    "place": ("所在网格", "Grid"),
    "community": ("所在社区", "Community"),
    "choose": ("请选择", "Please choose"),
    "category": ("事项类别", "Kind of matter"),
    "words": ("情况说明", "What is the matter"),
    "words_help": (
        "请勿写他人的姓名、证件号。最多 1000 字。",
        "Please name no other person. At most 1,000 characters.",
    ),
    "where": ("具体位置（可不填）", "Where exactly (optional)"),
    "where_help": ("例如：3 号楼 2 单元门口", "For example: at the door of building 3"),
    "position": ("使用我的位置", "Use my position"),
    "position_none": ("未使用定位，按所在网格或社区受理。", "No position is sent; the grid or community counts."),
    "position_got": ("已使用本机位置，误差约 {metres} 米。", "Your position is sent, to about {metres} m."),
    "position_failed": ("没有取得位置，仍可提交。", "There is no position; you can send all the same."),
    "position_drop": ("不使用位置", "Do not use it"),
    "photos": ("照片（可不选）", "Photos (optional)"),
    "photos_help": (
        "最多 3 张，每张不超过 {mb} MB；保存前去掉拍摄地点等信息。",
        "At most 3 of {mb} MB each; where they were taken is removed before they are kept.",
    ),
    "phone": ("联系电话（可不填）", "Telephone (optional)"),
    "phone_help": (
        "只有承办单位能看到，每次查看都有记录，办结 {days} 天后删除。",
        "Only those who handle the matter can see it, every look is recorded; erased {days} days after the end.",
    ),
    "send": ("提交", "Send"),
    "sending": ("正在提交……", "Sending…"),
    "draft": ("已恢复本机上没有提交的草稿。", "The draft on this device was restored."),
    "draft_drop": ("清除草稿", "Clear the draft"),
    "faults": ("没有提交，请修改：", "Not sent. Please change:"),
    "photos_again": ("照片需要重新选择。", "Please choose the photos again."),
    "received": ("已收到", "Received"),
    "received_again": ("这份报事已经收到过，追踪码不变。", "This report was received before; its code is the same."),
    "code": ("追踪码", "Tracking code"),
    "code_keep": (
        "请抄下、截屏或打印这个追踪码。丢失后无法找回。",
        "Please write it down, take a screenshot or print this page. It can't be found again.",
    ),
    "receipt": ("受理编号", "Receipt number"),
    "print": ("打印", "Print"),
    "see": ("查看进度", "See the progress"),
    "follow": ("查询进度", "Follow a report"),
    "code_help": ("12 位，不含 0、O、1、I、L。", "12 signs, without 0, O, 1, I and L."),
    "own": ("本机提交过的报事", "Reports from this device"),
    "own_drop": ("从本机删除", "Remove from this device"),
    "progress": ("办理进度", "Progress"),
    "now": ("当前状态", "Now"),
    "body": ("承办单位", "Handled by"),
    "due": ("办理期限", "Due"),
    "joined_said": (
        "有人报过同一件事，已合并办理，以下是合并后的进度。",
        "Somebody reported the same matter; both are handled together, and this is their progress.",
    ),
    "rejected_said": (
        "这件事不属于受理范围，或无法核实。如有疑问请联系社区。",
        "This is not for us to handle, or could not be verified. Please ask the community.",
    ),
    "rate": ("评价办理结果", "Rate the result"),
    "rating": ("满意程度", "How satisfied are you"),
    "note": ("想说的话（可不填）", "Your words (optional)"),
    "rate_send": ("提交评价", "Send the rating"),
    "rate_once": ("只能评价一次，评价后不能再申请重新办理。", "You can rate once; afterwards it can't be reopened."),
    "rated_said": ("已评价：{rating} 分。", "Rated: {rating} of 5."),
    "reopen": ("没有办好？申请重新办理", "Not done? Ask to reopen it"),
    "reason": ("原因", "Why"),
    "reopen_send": ("申请重新办理", "Ask to reopen"),
    "reopen_until": ("可在 {until} 前申请。", "Possible until {until}."),
    "thanks": ("已记录，谢谢。", "Noted, thank you."),
    "missing": ("没有这个追踪码，请核对 12 位字符。", "There is no such code; please check its 12 signs."),
    "wait": ("次数太多，请 {minutes} 分钟后再试。", "Too many tries; please come back in {minutes} minutes."),
    "wait_report": (
        "本处提交太多，请 {minutes} 分钟后再试；急事请致电社区。",
        "Too many reports from here; please come back in {minutes} minutes, or call the community.",
    ),
    "elsewhere": ("请在本网站的页面上提交。", "Please send the form of this site itself."),
    "too_large": (
        "照片太大：每张最多 {mb} MB，最多 {most} 张。请返回后重新选择。",
        "The photos are too large: at most {most} of {mb} MB each. Please go back and choose again.",
    ),
    "too_late": (
        "现在不能评价或申请重办：尚未办结、已经评价，或已超过期限。",
        "It can't be rated or reopened now: it is not closed yet, was rated already, or the time is over.",
    ),
    "nowhere": ("没有这个网格或社区，请重新扫码。", "There is no such grid or community; please scan the code again."),
}
RATINGS = (
    ("很不满意", "Very dissatisfied"), ("不满意", "Dissatisfied"), ("一般", "Fair"), ("满意", "Satisfied"),
    ("很满意", "Very satisfied"),
)  # fmt: skip
STEPS: dict[str, tuple[str, str]] = {
    "received": ("已收到", "Received"),
    "accepted": ("已受理", "Accepted"),
    "handling": ("办理中", "Being handled"),
    "paused": ("暂缓办理", "Paused"),
    "dispatched": ("已派单", "Passed on to volunteers"),
    "taken": ("已接单，服务中", "Taken, on the way"),
    "served": ("服务完成，待核查", "Served, to be verified"),
    "done": ("已办理，待核查", "Done, to be verified"),
    "closed": ("已办结", "Closed"),
    "rated": ("已评价", "Rated"),
    "rejected": ("不予受理", "Not accepted"),
    "reopened": ("重新办理", "Reopened"),
    "joined": ("合并办理", "Joined with another"),
    "parted": ("恢复单独办理", "Handled by itself again"),
}
FAULTS: dict[str, tuple[str, str]] = {
    "key": ("表单已失效，请重新打开。", "This form is no longer good; please open it again."),
    "category": ("请选择事项类别。", "Please choose the kind of matter."),
    "words": ("请写明情况。", "Please say what is the matter."),
    "long": ("最多 {limit} 字。", "At most {limit} characters."),
    "signs": ("含有无法识别的字符。", "There are signs that can't be used."),
    "phone": ("电话应为 5 至 20 位数字，可带空格和短横。", "A telephone number has 5 to 20 digits, spaces and dashes."),
    "photos": ("最多 {limit} 张照片。", "At most {limit} photos."),
    "large": ("每张照片最多 {limit} MB。", "A photo may have {limit} MB at most."),
    "photo": (
        "照片无法读取，请用未损坏的 JPEG、PNG、WebP 或 HEIC。",
        "A photo can't be read; it must be an undamaged JPEG, PNG, WebP or HEIC.",
    ),
    "place": ("没有这个网格或社区。", "There is no such grid or community."),
    "position": ("位置不完整。", "The position is not complete."),
    "rating": ("请选择 1 至 5 分。", "Please choose 1 to 5."),
    "reason": ("请写明原因。", "Please say why."),
    "changed": (
        "这张表单已经提交过，内容不同；要报另一件事，请打开新的表单。",
        "This form was sent before with other contents; please open a new form for another matter.",
    ),
    "lon": ("位置不完整。", "The position is not complete."),
    "unusable": ("这一项不能使用。", "This can't be used."),
}


def say(lang: str, key: str, **values: object) -> str:
    """Give a sentence in a language."""
    return WORDS[key][LANGUAGES.index(lang)].format(**values)


def fault(lang: str, reason: str, **values: object) -> str:
    """Say why a field can't be used."""
    return FAULTS.get(reason, FAULTS["unusable"])[LANGUAGES.index(lang)].format(**values)


def step_name(lang: str, step: str) -> str:
    """Name a step."""
    return STEPS[step][LANGUAGES.index(lang)]


def local_time(lang: str, at: datetime, zone: str) -> str:
    """Write an instant by the clock of a place, to the minute."""
    local = at.astimezone(ZoneInfo(zone))
    if lang == "zh":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {local:%b} {local.year} {local:%H:%M}"
