/** Reading aloud with the device's own voice; where there is none, the text stands for itself. */
import { onBeforeUnmount, ref } from "vue";
import type { Language } from "../shared/i18n";

const TAGS: Record<Language, string> = { zh: "zh-CN", en: "en-US" };
const SLOWER = 0.9;

/** A voice of the language that this device has; null where it has none, or cannot speak at all. */
export function voiceFor(language: Language): SpeechSynthesisVoice | null {
  if (typeof speechSynthesis === "undefined") return null;
  const voices = speechSynthesis.getVoices();
  return voices.find(({ lang }) => lang.replace("_", "-") === TAGS[language]) ?? voices.find(({ lang }) => lang.startsWith(language)) ?? null;
}

export function useSpeech() {
  const isSpeaking = ref(false);
  voiceFor("zh"); // Browsers load their voices only once they are asked for.

  function stop(): void {
    if (typeof speechSynthesis !== "undefined") speechSynthesis.cancel();
    isSpeaking.value = false;
  }

  /** Speak sentence by sentence (long texts are cut off by some browsers); false where no voice is there. */
  function speak(sentences: string[], language: Language): boolean {
    stop();
    const voice = voiceFor(language);
    if (!voice || sentences.length === 0) return false;
    for (const [at, sentence] of sentences.entries()) {
      const part = new SpeechSynthesisUtterance(sentence);
      part.voice = voice;
      part.lang = voice.lang;
      part.rate = SLOWER;
      if (at === sentences.length - 1) part.addEventListener("end", () => (isSpeaking.value = false));
      part.addEventListener("error", () => (isSpeaking.value = false));
      speechSynthesis.speak(part);
    }
    isSpeaking.value = true;
    return true;
  }

  onBeforeUnmount(stop);
  return { isSpeaking, speak, stop };
}
