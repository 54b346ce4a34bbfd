"""How often each category comes up in the sample, where, when, and how it is put into words."""

from dataclasses import dataclass

DAY = (1, 0.6, 0.4, 0.3, 0.4, 1, 3, 6, 9, 10, 9, 8, 6, 6, 8, 9, 9, 8, 7, 6, 5, 4, 3, 2)
RUSH = (0, 0, 0, 0, 0, 1, 5, 10, 9, 5, 4, 5, 6, 4, 3, 4, 7, 10, 11, 9, 6, 3, 1, 0)
EVENING = (5, 3, 1, 0.5, 0.5, 1, 2, 3, 3, 3, 3, 3, 4, 3, 3, 3, 4, 5, 7, 10, 13, 14, 12, 8)
OFFICE = (0, 0, 0, 0, 0, 0, 1, 3, 9, 12, 11, 8, 3, 4, 9, 11, 10, 7, 3, 2, 1, 0, 0, 0)
RHYTHMS = {"day": DAY, "rush": RUSH, "evening": EVENING, "office": OFFICE}


@dataclass(frozen=True)
class IncidentKind:
    """A category's weight, hours of the day, place (street, home, works, water) and weekend factor."""

    weight: float
    rhythm: str
    place: str
    weekend: float
    text: str


KINDS = {
    "E01-01": IncidentKind(1.2, "office", "home", 0.5, "有人在楼顶搭建棚屋"),
    "E01-02": IncidentKind(8.0, "day", "street", 1.1, "路边垃圾未及时清运"),
    "E01-03": IncidentKind(3.0, "day", "street", 0.9, "装修渣土堆在路边"),
    "E01-04": IncidentKind(5.0, "day", "street", 0.9, "路面有泥污和落叶"),
    "E01-05": IncidentKind(2.6, "day", "home", 1.0, "绿地内有杂物"),
    "E01-06": IncidentKind(2.0, "evening", "street", 1.2, "餐饮店油烟直排"),
    "E01-07": IncidentKind(0.9, "day", "water", 1.0, "水面有漂浮物"),
    "E01-08": IncidentKind(5.6, "day", "home", 1.2, "垃圾桶满溢"),
    "E01-09": IncidentKind(3.6, "day", "home", 1.0, "楼前堆放旧家具"),
    "E02-01": IncidentKind(4.4, "day", "street", 0.8, "墙面张贴小广告"),
    "E02-02": IncidentKind(1.4, "office", "street", 0.6, "广告牌松动"),
    "E02-03": IncidentKind(0.8, "day", "street", 0.8, "横幅破损下垂"),
    "E03-01": IncidentKind(2.2, "evening", "works", 0.9, "夜间施工声音大"),
    "E03-02": IncidentKind(1.6, "day", "works", 0.8, "工地未覆盖防尘网"),
    "E03-03": IncidentKind(0.6, "office", "street", 0.5, "开挖路面未见许可公示"),
    "E03-04": IncidentKind(0.7, "day", "works", 0.8, "围挡倾斜"),
    "E04-01": IncidentKind(10.0, "rush", "street", 1.2, "流动摊贩占用人行道"),
    "E04-02": IncidentKind(9.0, "rush", "street", 1.1, "车辆停在盲道上"),
    "E04-03": IncidentKind(4.2, "rush", "street", 1.0, "单车堆放影响通行"),
    "E04-04": IncidentKind(4.4, "evening", "street", 1.1, "商铺桌椅摆到人行道"),
    "E04-05": IncidentKind(5.2, "evening", "home", 1.3, "音响声音过大"),
    "E04-06": IncidentKind(2.6, "evening", "home", 1.0, "从楼上拉线给电动车充电"),
    "E04-07": IncidentKind(3.4, "day", "home", 1.0, "消防通道被占用"),
    "E04-08": IncidentKind(1.8, "evening", "home", 1.2, "邻里因漏水发生争执"),
    "E05-01": IncidentKind(0.4, "day", "street", 1.0, "路面出现坑洞"),
    "E05-02": IncidentKind(1.0, "day", "street", 1.0, "管道漏水，路面有水流"),
    "E05-03": IncidentKind(0.6, "day", "street", 1.0, "低洼处积水"),
    "E05-04": IncidentKind(0.5, "evening", "home", 1.0, "楼道有燃气气味"),
    "E05-05": IncidentKind(0.5, "day", "street", 1.0, "树木倒向路面"),
    "E06-01": IncidentKind(2.4, "office", "home", 0.3, "咨询补贴办理"),
    "E06-02": IncidentKind(2.2, "office", "home", 0.4, "行动不便，请上门代办"),
    "E06-03": IncidentKind(1.4, "office", "home", 0.9, "请上门探访独居老人"),
    "P01-01": IncidentKind(0.9, "day", "street", 0.8, "井盖松动有响声"),
    "P01-02": IncidentKind(1.1, "day", "street", 0.8, "污水井外溢"),
    "P01-03": IncidentKind(2.2, "evening", "street", 1.0, "路灯不亮"),
    "P01-04": IncidentKind(0.5, "day", "street", 0.7, "箱门敞开"),
    "P01-05": IncidentKind(0.5, "day", "street", 0.8, "消防栓漏水"),
    "P02-01": IncidentKind(0.6, "rush", "street", 0.9, "信号灯不亮"),
    "P02-02": IncidentKind(2.2, "day", "street", 0.8, "人行道砖缺失"),
    "P02-03": IncidentKind(0.7, "day", "street", 0.9, "护栏倒伏"),
    "P03-01": IncidentKind(1.2, "day", "street", 0.9, "果皮箱门损坏"),
    "P03-02": IncidentKind(0.8, "day", "street", 1.0, "公厕需要维修"),
    "P04-01": IncidentKind(1.2, "day", "street", 0.8, "树枝遮挡路灯"),
    "P04-02": IncidentKind(0.8, "day", "home", 1.1, "健身器材松动"),
    "P05-01": IncidentKind(1.6, "day", "home", 1.0, "电梯停运"),
    "P05-02": IncidentKind(1.4, "evening", "home", 1.0, "楼道灯不亮"),
}
SOURCES = {"worker": 0.46, "resident": 0.22, "12345": 0.14, "110": 0.03, "patrol": 0.12, "sensor": 0.03}
ACCURACY_M = {"worker": 8.0, "resident": 15.0, "12345": 60.0, "110": 40.0, "patrol": 6.0, "sensor": 2.0}
