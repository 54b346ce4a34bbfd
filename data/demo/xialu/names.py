"""Invented names: streets, compounds, facilities. Plausible words, no real place, no person."""

import numpy as np


def _words(text: str) -> list[str]:
    """List the words of a text."""
    return text.split()


STREET_WORDS = _words("""
    桂花 银杏 香樟 梧桐 玉兰 石榴 海棠 翠竹 丹枫 松林 柳堤 荷塘 芙蓉 紫薇 杜鹃 茶园 橘园 桃源 杏坛 桑园
    青山 翠屏 凤鸣 龙泉 鹿苑 鹤翔 莺歌 燕子 金牛 石狮 白鹭 飞鹅 长乐 永安 太平 和顺 安康 吉祥 如意 福寿
    建设 光明 振兴 前进 跃进 红旗 新华 文化 科苑 学府 书院 体育 人民 友爱 和平 解放 民主 幸福 富强 曙光
    铜绿 炉峰 冶炼 矿山 机车 电厂 水泥 纺织 机械 轻工 仓前 码头 桥头 井边 塘湾 港口 岭下 山门 石桥 古槐
""")
STREET_FORMS = _words("路 街 一路 二路 三路 北路 南路 东街 西街 支路 横街 里 巷 一巷 二巷")
COMPOUND_WORDS = {
    "commodity": _words("""
        金桂 锦绣 阳光 滨湖 湖景 翡翠 东方 盛世 世纪 香榭 水岸 云锦 御景 华府 天骄 蓝湾 星河 和悦 书香 紫金
    """),
    "old": _words("新村 民生 建设 红旗 向阳 团结 和平 永安 花园 桥头 东风 光明 文明 工农 朝阳 前进"),
    "work_unit": _words("冶炼厂 机械厂 铜矿 水泥厂 电厂 纺织厂 铁路 运输公司 建筑公司 粮食局 供销社 地质队"),
    "resettlement": _words("安居 幸福 和谐 新苑 康居 惠民 乐业 福源 祥和 瑞安"),
    "village": _words("李家 王家 张家 刘家 陈家 柯家 冯家 石家 胡家 徐家 余家 黄家 何家 曹家 罗家"),
}
COMPOUND_FORMS = {
    "commodity": _words("花园 城 苑 华庭 公馆 名邸 雅居 新城"),
    "old": _words("小区 新村 一村 二村 三村 巷小区"),
    "work_unit": _words("家属区 宿舍 生活区 一区 二区 三区"),
    "resettlement": _words("家园 还建小区 苑 新居"),
    "village": _words("湾 墩 垴 塘 咀"),
}


def street_names(rng: np.random.Generator, count: int) -> list[str]:
    """Give `count` different street names, the plain ones (路, 街) first; numbered ones when words run out."""
    words = [STREET_WORDS[i] for i in rng.permutation(len(STREET_WORDS))]
    names = [word + form for form in STREET_FORMS for word in words]
    while len(names) < count:
        names += [f"{word}{len(names)}号路" for word in words]
    return names[:count]


class CompoundNames:
    """Gives each compound a name of its kind that was not given before."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def take(self, kind: str) -> str:
        """Make a new name; a number is added when word and form are used up."""
        words, forms = COMPOUND_WORDS[kind], COMPOUND_FORMS[kind]
        for _ in range(12):
            name = words[int(self._rng.integers(len(words)))] + forms[int(self._rng.integers(len(forms)))]
            if name not in self._given:
                self._given.add(name)
                return name
        number = 2
        while f"{name}{number}期" in self._given:
            number += 1
        self._given.add(f"{name}{number}期")
        return f"{name}{number}期"
