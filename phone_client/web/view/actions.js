/**
 * What a candidate can do, as the screens name it; main.js does it.
 *
 * @typedef {object} Actions
 * @property {(language: import("../words.js").Language) => void} speak
 * @property {(text: string) => void} claim redeem an offer: a link's text or a typed code
 * @property {() => void} claimOffered redeem the offer in the address
 * @property {() => void} giveUp end a claim that gets no answer
 * @property {() => Promise<void>} copyLink put the link on the clipboard
 * @property {(face: boolean, room: boolean) => void} consent
 * @property {(declined: boolean) => void} decline
 * @property {(id?: import("../preflight.js").CheckId) => void} check try one check again, or all; in a tap
 * @property {() => void} start camera on, recording starts; in a tap
 * @property {() => void} tap go on after an interruption; in a tap
 * @property {(facing: import("../camera.js").Facing) => void} turnTo use the other camera
 * @property {() => void} beginScan in a tap
 * @property {() => void} endScan
 * @property {() => void} acceptScan go on with the scan as it is, whatever the server said or has not said yet
 * @property {() => void} repeatScan turn once more; in a tap
 * @property {() => void} skipScan
 * @property {() => void} placed the phone stands: mark it, and have the server look, again too
 * @property {() => void} acceptPlace go on with the placement as it is
 * @property {(question: import("../store.js").View["asking"]) => void} ask
 * @property {() => void} stop end the recording for good
 * @property {(allowed: boolean) => void} useMetered
 * @property {() => void} retry
 * @property {() => void} saveCarry
 * @property {() => void} saveReceipt
 * @property {() => void} forget
 * @property {() => void} reload
 */

export {};
